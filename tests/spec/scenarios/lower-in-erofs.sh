# SPDX-License-Identifier: Apache-2.0
# title: files of an erofs image, which calls all of them immutable, are changed and copied up
# labels: quick
# needs: mkfs.erofs
# not-mounted: yes

layers() {
	put l1/file "content"
	put l1/dir/gone "gone"
	mkfifo l1/fifo
	ln -s file l1/link
	chown -h 3:4 l1/link l1/file
	setfattr -n user.a -v 1 l1/file
	mkfs.erofs image l1 >/dev/null 2>&1
	mkdir erofs
}

scenario() {
	mount -o loop,ro image erofs
	union "$BASE/merged" "lowerdir=$BASE/erofs,upperdir=$BASE/upper,workdir=$BASE/work"
	cd merged
	try sh -c 'echo more >>file && cat file'
	try rm dir/gone
	try rmdir dir
	try mkdir dir
	try chmod 600 fifo
	try mv link link2
	try sc fd open:file:r,trunc
	try sc xattr list file
	stat_of '%n %F %a %u:%g %s' file fifo link2 dir
	cd ..
	union_umount "$BASE/merged"
	umount erofs
}
