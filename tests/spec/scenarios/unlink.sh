# SPDX-License-Identifier: Apache-2.0
# title: unlink removes any type from any layer and refuses directories
# labels: quick

layers() {
	put l1/dir/file 1
	put l2/dir/file 2
	ln -s x l1/dir/link
	mkfifo l2/dir/fifo
	mknod l2/dir/null c 1 3
	"$SC" mknod l2/dir/sock sock 755 >/dev/null
	mkdir l2/dir/sub
	put upper/dir/up 1
	put upper/dir/both 1
	put l2/dir/both 2
	chmod 755 l1/dir upper/dir
}

scenario() {
	as 1:1 rm -f dir/file
	try unlink dir/file
	try unlink dir/link
	try unlink dir/fifo
	try unlink dir/null
	try unlink dir/sock
	try unlink dir/up
	try unlink dir/both
	try unlink dir/sub
	try unlink dir/file
	try unlink dir/missing
	try ls -A dir
	upper_has dir/file
	upper_has dir/up
	upper_has dir/both
	upper_has dir/fifo
}
