# SPDX-License-Identifier: Apache-2.0
# title: on a full upper each change fails with ENOSPC, changes nothing, and works once there is space
# size: 1G
# not-mounted: yes
# plyfs-only: what is left of a full file system's space differs between two runs

layers() {
	mkdir small
	truncate -s 24M small.img
	mkfs.ext4 -q -N 64 -O ^has_journal small.img
	fill l1/dir/file 3000000
	fill l1/dir/tiny 10
	put l1/dir/sub/x 1
}

scenario() {
	local b=$BASE i

	mount -o loop small.img small
	mkdir small/upper small/work
	check "mounted" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/small/upper,workdir=$b/small/work"
	cd merged || return
	dd if=/dev/zero of=filler bs=1M status=none 2>/dev/null
	dd if=/dev/zero of=filler2 bs=4k status=none 2>/dev/null
	dd if=/dev/zero of=filler3 bs=1k status=none 2>/dev/null
	sync -f .
	check_equal "full" "No space left on device" "$(dd if=/dev/zero of=filler bs=64k count=1 oflag=append conv=notrunc,fsync 2>&1 | sed -n 's/.*: //p' | head -1)"
	check_equal "copy-up" "No space left on device" "$(tee -a dir/file <dir/tiny 2>&1 >/dev/null | sed 's/.*: //')"
	check_equal "the file is as before" "$(md5sum <"$b/l1/dir/file")" "$(md5sum <dir/file)"
	# inodes, too
	for i in $(seq 100); do touch "n$i" 2>/dev/null || break; done
	check_equal "no inode" "No space left on device" "$(mkdir dir/new 2>&1 | sed 's/.*: //')"
	check_equal "no inode for a node" "No space left on device" "$(mkfifo dir/fifo 2>&1 | sed 's/.*: //')"
	check_equal "no inode for a copy" "No space left on device" "$(chmod 600 dir/tiny 2>&1 | sed 's/.*: //')"
	check "the tree is as before" sh -c '[ "$(echo $(ls -A dir))" = "file sub tiny" ]'
	check "removing works" rm filler filler2 filler3 n1 n2 n3 n4 n5
	space_comes "$b/small" 10000
	check "copy-up works" sh -c 'cat dir/tiny >>dir/file && chmod 600 dir/tiny && mkdir dir/new'
	check_equal "size" 3000010 "$(stat -c %s dir/file)"
	cd ..
	check "unmounted" union_umount "$b/merged"
	check_equal "the work directory is empty" "" "$(find small/work -mindepth 2)"
	umount small
	check "the file system is sound" sh -c 'e2fsck -fn small.img'
	rm small.img
}
