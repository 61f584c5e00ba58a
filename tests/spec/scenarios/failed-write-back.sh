# SPDX-License-Identifier: Apache-2.0
# title: after a failed write-back every fsync of the file fails, by each opener, until the file is forgotten; others' don't
# plyfs-only: the kernel tells each opener once
# not-mounted: yes
# size: 1G

# Its own bitmaps and tables have their room from the start, or it would be found corrupted.
# An ext4 on a loop device whose image lies on a tmpfs without room: the ext4 has space, its blocks can't be written.
layers() {
	mkdir tiny bad
	mount -t tmpfs -o size=24M tiny tiny
	truncate -s 200M tiny/image
	mkfs.ext4 -q -O ^has_journal,^metadata_csum,^uninit_bg -N 2048 -E nodiscard,lazy_itable_init=0 tiny/image
	fill l1/lower 100000
	put l1/other "other"
}

# told STEP MODE: whether the sync fails with what the device said (which is the choice of the loop device and the ext4 on it)
told() {
	"$SC" fd "open:file:$2" "$1" | tail -1 | grep -x -E "$1 -> (EIO|ENOSPC|EUCLEAN)"
}

room() {
	mount -o remount,size=400M tiny
}

scenario() {
	local b=$BASE i

	mount -o loop tiny/image bad
	mkdir bad/upper bad/work
	check "mounted" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/bad/upper,workdir=$b/bad/work,log=$b/log"
	cd merged || return
	put sound "sound"
	sync sound
	dd if=/dev/zero of=file bs=1M count=1 status=none conv=fsync
	exec 5<>file 6<>file
	dd if=/dev/urandom of=file bs=1M count=100 status=none conv=notrunc
	check "the first opener" told fsync rw
	for i in 1 2 3; do
		check "another opener, $i" told fsync r
	done
	check "fdatasync" told fdatasync r
	check "the log names the error" grep -q "write-back failed: \(Input/output error\|No space left on device\|Structure needs cleaning\); every fsync" "$b/log"
	check "an older descriptor" sh -c '! sync /proc/self/fd/5'
	check "and its neighbour" sh -c '! sync /proc/self/fd/6'
	room
	check "with room again, still" sh -c '! sync /proc/self/fd/6'
	check "a new write doesn't heal it" sh -c 'printf x | dd of=file conv=notrunc status=none; ! sync file'
	# many other files push its descriptor out of the cache
	for i in $(seq 300); do echo "$i" >"f$i"; done
	cat f* >/dev/null
	check "after its descriptor went" sh -c '! sync file'
	mv file renamed
	check "under another name" sh -c '! sync renamed'
	ln renamed link
	check "by a link" sh -c '! sync link'
	check "another file's is none" sync sound
	check "nor a new file's" sh -c 'echo x >new; sync new'
	check "nor a copied one's" sh -c 'echo x >>lower; sync lower'
	exec 5>&- 6>&-
	cd ..
	check "unmounted" union_umount "$b/merged"
	check "a new mount has forgotten" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/bad/upper,workdir=$b/bad/work"
	check "and syncs" sync merged/renamed
	check "unmounted again" union_umount "$b/merged"
	umount bad
	rm tiny/image
	umount tiny
}
