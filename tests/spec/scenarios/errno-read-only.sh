# SPDX-License-Identifier: Apache-2.0
# title: every change of a read-only union is refused with EROFS, and of a read-only remount too
# labels: quick
# no-upper: yes

layers() {
	put l1/file "content"
	mkdir -p l1/dir l2/low
	put l2/other "other"
	mkfifo l1/fifo
	ln -s file l1/link
}

changes() {
	try sc fd open:file:w open:file:rw open:file:r,trunc open:new:w,creat open:other:rw
	try sc fd open:file:r fchmod:600 fchown:1:1 futimens:1:1 setxattr:user.a:1 ftruncate:0 fallocate:keep:0:4096
	try touch file
	try chmod 600 dir
	try chown 1:1 other
	try mkdir new
	try rmdir dir
	try rm other
	try rm missing
	try mv file moved
	try sc rename file other exchange
	try ln file hard
	try ln -s x soft
	try sc mknod pipe fifo 644
	try truncate -s 0 file
	try setfattr -n user.a -v 1 dir
	try setfattr -x user.a dir
	try sc bind sock
	try sc flags file +a
	# a fifo isn't the file system's
	try sc fd open:fifo:rw write:x read:1
}

scenario() {
	changes
	try cat file other
}
