# SPDX-License-Identifier: Apache-2.0
# title: with redirect_dir=nofollow a redirected directory can't be looked up: EPERM
# labels: quick
# options: redirect_dir=nofollow
# kernel-options: index=off,redirect_dir=nofollow,metacopy=off,xino=off
# no-cross: the other half would follow

layers() {
	put l2/orig/x "redirected"
	mkdir -p upper/moved upper/nowhere l1/low
	put upper/nowhere/f "f"
	setfattr -n trusted.overlay.redirect -v /orig upper/moved
	setfattr -n trusted.overlay.redirect -v /missing upper/nowhere
	put l2/other/x "x"
}

scenario() {
	try ls -A moved
	try cat moved/x
	try ls -A nowhere orig other
	try sc rename other another
	try ls -A other
}
