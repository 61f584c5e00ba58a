# SPDX-License-Identifier: Apache-2.0
# title: with redirect_dir=follow redirects are followed and none is made
# labels: quick
# options: redirect_dir=follow
# kernel-options: index=off,redirect_dir=follow,metacopy=off,xino=off

layers() {
	put l2/orig/x "redirected"
	mkdir -p upper/moved
	whiteout upper/orig
	setfattr -n trusted.overlay.redirect -v /orig upper/moved
	put l2/other/x "x"
}

scenario() {
	try ls -A moved
	try sc rename moved again
	try sc rename other another
	try mv other another
	try ls -AR .
}
