# SPDX-License-Identifier: Apache-2.0
# title: what goes wrong when the daemon ends is in its log
# labels: quick
# plyfs-only: the daemon's log
# needs: python3 mkfs.ext4
# not-mounted: yes

layers() {
	put l1/file 1
	mkdir m small
}

scenario() {
	truncate -s 32M image
	mkfs.ext4 -q image
	mount -o loop image small
	mkdir small/upper small/work
	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=small/upper,workdir=small/work,log=$BASE/log" || echo "FAIL: mount"
	echo 2 >m/file
	# FS_IOC_SHUTDOWN: like a disk that is pulled out.
	python3 -c "import fcntl, os, struct
fcntl.ioctl(os.open('small', os.O_RDONLY), 0x8004587d, struct.pack('I', 2))"
	union_umount "$BASE/m" || echo "FAIL: unmount"
	umount small
	check "that the upper couldn't be synced" grep -x -E "[^ ]* error: $BASE/m: upper not synced: Input/output error" log
}
