# SPDX-License-Identifier: Apache-2.0
# title: copy-up of a deep file makes its directories with their owner, mode, times and attributes
# labels: quick
# needs: setfacl

layers() {
	put l1/a/b/c/file 1
	put l1/a/b/c/sibling 1
	put l2/a/b/lower 2
	chown 1:2 l1/a
	chmod 1755 l1/a
	chown 3:4 l1/a/b
	chmod 2751 l1/a/b
	setfattr -n user.b -v b l1/a/b
	setfacl -d -m u:9:rwx l1/a/b/c
	chmod 700 l2/a l2/a/b
	setfattr -n user.hidden -v h l2/a/b
}

scenario() {
	try sh -c 'echo more >>a/b/c/file'
	stat_of '%n %a %u:%g' a a/b a/b/c a/b/c/file
	mtime_of a
	mtime_of a/b
	mtime_of a/b/c
	try sc xattr list a/b
	try sc xattr list a/b/c
	upper_has a/b/c/sibling
	try ls -A a/b a/b/c
}
