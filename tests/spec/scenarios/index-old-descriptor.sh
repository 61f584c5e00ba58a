# SPDX-License-Identifier: Apache-2.0
# title: an open descriptor of one linked name sees what is written to another, and lives on without a name
# labels: quick
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off

layers() {
	put l1/a "old"
	ln l1/a l1/b
}

scenario() {
	exec 3<a
	try sh -c 'echo new >>b'
	try cat <&3
	try rm b
	stat_of '%n %h' a
	try rm a
	try stat -L -c %h /proc/self/fd/3
	try sh -c 'cat /proc/self/fd/3'
	exec 3<&-
	remount
	try ls -A
}
