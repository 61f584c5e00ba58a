# SPDX-License-Identifier: Apache-2.0
# title: an access ACL of a lower file is shown, obeyed, kept by copy-up and changed
# labels: quick
# needs: setfacl getfacl

layers() {
	put l1/file "content"
	chmod 640 l1/file
	setfacl -m u:9:rw,g:40:r l1/file
	mkdir l1/dir
	setfacl -m u:9:rwx,m::rx l1/dir
	put l1/plain "plain"
	chmod 600 l1/plain
}

scenario() {
	try getfacl -cn file dir
	as 9:9 cat file
	as 10:40 cat file
	as 10:10 cat file
	as 10:40 sh -c 'echo no >>file'
	as 9:9 sh -c 'echo by 9 >>file'
	as 9:9 touch dir/denied
	try cat file
	try getfacl -cn file
	try setfacl -m u:10:r plain
	as 10:10 cat plain
	as 11:11 cat plain
	stat_of '%n %a' file plain
	try chmod 600 file
	try getfacl -cn file
	as 9:9 cat file
	try setfacl -b file
	try getfacl -cn file
	try setfacl -m m::rwx dir
	as 9:9 touch dir/allowed
	as 11:11 setfacl -m u:11:rw plain
	try setfacl -d -m u:9:r plain
	remount
	try getfacl -cn file dir plain
}
