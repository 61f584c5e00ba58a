# SPDX-License-Identifier: Apache-2.0
# title: with userxattr the xattrs in user.overlay.* are the union's and escaped, and those in trusted.overlay.* anybody's
# labels: quick
# options: userxattr
# kernel-options: userxattr,index=off,xino=off

layers() {
	put l1/low 1
	setfattr -n user.overlay.overlay.origin -v escaped l1/low
	setfattr -n user.overlay.private -v hidden l1/low
	setfattr -n trusted.overlay.private -v plain l1/low
	put l2/dir/below 1
	put l1/dir/f 1
	put l2/op/x 1
	mkdir -p l1/op
	setfattr -n trusted.overlay.opaque -v y l1/op
	put l2/uop/x 1
	mkdir -p l1/uop
	setfattr -n user.overlay.opaque -v y l1/uop
	ln -s nowhere l1/link
	put l1/rm/x 1
	put l2/xw/x 1
	put l1/xw/x ""
	: >l1/xw/x
	setfattr -n user.overlay.whiteout -v "" l1/xw/x
	setfattr -n user.overlay.opaque -v x l1/xw
}

scenario() {
	sc xattr list low
	sc xattr get low user.overlay.origin
	sc xattr get low user.overlay.private
	sc xattr set low user.overlay.private mine create
	sc xattr set low trusted.overlay.private mine replace
	sc xattr set low user.overlay.opaque y
	sc xattr list low
	sc xattr set dir user.overlay.opaque y
	try ls dir op uop xw
	sc xattr set link user.overlay.opaque y
	sc xattr set link trusted.overlay.opaque y
	try rm -r rm
	try mkdir rm
	try mv low low2
	sc rename dir dir2
	try rm dir/below
	try mkdir dir/below
	remount
	try ls -R
	sc xattr list dir
	sc xattr list low2
}
