# SPDX-License-Identifier: Apache-2.0
# title: a write-back that fails after its descriptor was evicted, or by the sync before that, is told by every later fsync
# plyfs-only: the kernel has a descriptor for each opener
# not-mounted: yes
# size: 1G
# timeout: 120

layers() {
	mkdir tiny bad
	mount -t tmpfs -o size=24M tiny tiny
	truncate -s 200M tiny/image
	mkfs.ext4 -q -O ^has_journal,^metadata_csum,^uninit_bg -N 2048 -E nodiscard,lazy_itable_init=0 tiny/image
	put l1/other "other"
}

# in two steps: a shell that holds the limit starts the daemon
few() {
	(ulimit -n 128 && union "$@")
}

scenario() {
	local b=$BASE fds i bad=0 told=

	mount -o loop tiny/image bad
	mkdir bad/upper bad/work
	check "mounted with few descriptors" few "$b/merged" "lowerdir=$b/l1,upperdir=$b/bad/upper,workdir=$b/bad/work"
	cd merged || return
	# open, so that the kernel can't forget them
	for i in $(seq 400); do exec {fds[i]}>"f$i"; done
	sync -f "$b/bad"
	# 80 MiB in 400 files, nobody syncs; a fifth of it has room. Whoever was written without an error must say so at the fsync.
	for i in $(seq 400); do dd if=/dev/urandom of="f$i" bs=200k count=1 status=none conv=notrunc; done
	for i in $(seq 400); do
		"$SC" fd "open:f$i:r" fsync | grep -q -E 'fsync -> (EIO|ENOSPC|EUCLEAN)' && bad=$((bad + 1)) && told="$told $i"
	done
	check "most files tell (told $bad)" test "$bad" -ge 200
	check "no daemon's descriptor too many" test "$(ls "/proc/$(cat "$b/merged.pid")/fd" | wc -l)" -lt 128
	local changed=0
	for i in $told; do
		"$SC" fd "open:f$i:r" fsync | grep -q -E 'fsync -> (EIO|ENOSPC|EUCLEAN)' || changed=$((changed + 1))
	done
	check_equal "and tell again" 0 "$changed"
	mount -o remount,size=400M "$b/tiny"
	changed=0
	for i in $told; do
		"$SC" fd "open:f$i:rw" pwrite:0:x fsync | grep -q -E 'fsync -> (EIO|ENOSPC|EUCLEAN)' || changed=$((changed + 1))
	done
	check_equal "with room, too" 0 "$changed"
	check "a new file syncs" sh -c 'echo x >new && sync new'
	for i in "${fds[@]}"; do exec {i}>&-; done
	check "they can be removed" sh -c 'rm f* && ls -A'
	cd ..
	check "unmounted" union_umount "$b/merged"
	umount bad
	rm tiny/image
	umount tiny
}
