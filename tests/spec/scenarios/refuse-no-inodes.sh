# SPDX-License-Identifier: Apache-2.0
# title: an upper without inodes is refused as full, never as one that can't do something, and its hard links outlive that
# labels: quick
# plyfs-only: what its probes make of an error
# needs: mkfs.ext4
# not-mounted: yes

layers() {
	put l1/a lower
	ln l1/a l1/b
	truncate -s 8M image
	mkfs.ext4 -q -N 64 -m 0 -O ^has_journal image
	mkdir small
}

# try_mount: 0 when it mounts
try_mount() {
	local rc=0

	timeout -k 1 15 "$PLYFS" -o "$PLYFS_SMALL,pidfile=$BASE/m.pid" "$BASE/m" </dev/null 2>said || rc=$?
	if [ $rc = 0 ]; then
		mount_minor "$BASE/m" >>"$MINORS"
		check_equal "mounted: the names are one file" "$(stat -c %i m/a)" "$(stat -c %i m/b)"
		check_equal "mounted: with the copy's data" "lower copy lower copy" "$(echo $(cat m/a m/b))"
		union_umount "$BASE/m" || echo "FAIL: unmount"
		return 0
	fi
	check_equal "refused: one line" 1 "$(wc -l <said)"
	check "refused: the cause" grep -q ': No space left on device$' said
	check "refused: nothing is advised" sh -c '! grep -q index=off said'
	return 1
}

scenario() {
	local b=$BASE free

	mount -o loop image small
	mkdir small/upper small/work m
	PLYFS_SMALL=lowerdir=$b/l1,upperdir=$b/small/upper,workdir=$b/small/work
	timeout -k 1 15 "$PLYFS" -o "$PLYFS_SMALL,pidfile=$b/m.pid" "$b/m" </dev/null
	mount_minor "$b/m" >>"$MINORS"
	echo copy >>m/a
	union_umount "$b/m"
	free=0
	while : >small/fill.$free; do free=$((free + 1)); done 2>/dev/null
	for free in $(seq 0 8); do
		try_mount >seen && { cat seen; break; }
		cat seen
		rm "$(ls -d small/fill.* | head -n 1)"
	done | sort -u
	check "in the end it mounts" try_mount
	umount small
}
