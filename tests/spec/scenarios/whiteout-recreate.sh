# SPDX-License-Identifier: Apache-2.0
# title: a name that was removed and made again is only the new thing, over a remount too
# labels: quick

layers() {
	put l1/a "old"
	put l1/b "old"
	put l1/c "old"
	put l1/d "old"
	put l2/dir/inside "old"
	chown 5:5 l1/a
	setfattr -n user.old -v 1 l1/a
}

scenario() {
	try rm -r a b c d dir
	try sh -c 'echo new >a; mkdir b; ln -s new c; mkfifo d; echo file >dir'
	stat_of '%n %F %u:%g' a b c d dir
	try sc xattr list a
	remount
	try cat a dir
	try ls -A b
	try readlink c
	try rm -r a b c d dir
	try ls -A
	upper_has a
	upper_has dir
	remount
	try ls -A
}
