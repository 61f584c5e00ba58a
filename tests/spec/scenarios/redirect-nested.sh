# SPDX-License-Identifier: Apache-2.0
# title: renamed directories are renamed again, back, into each other, and with their children
# labels: quick
# options: redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=off,xino=off

layers() {
	put l1/a/b/c/d/one 1
	put l2/a/b/c/d/two 2
	put l2/a/b/side 3
	put l1/z/other 4
	mkdir -p l1/y
}

scenario() {
	try sc rename a A
	try sc rename A/b A/B
	try sc rename A/B/c C
	try sc rename C/d z/d
	remount
	try ls -AR .
	try cat z/d/one z/d/two A/B/side
	try sc rename z/d A/B/d
	try sc rename A/B z/B
	try sc rename z Z
	remount
	try ls -AR .
	try cat Z/B/d/one Z/B/d/two Z/B/side Z/other
	try sc rename Z z
	try sc rename z/B/d C/d
	try sc rename z/B A/b
	try sc rename C A/b/c
	try sc rename A a
	try ls -AR .
	remount
	try ls -AR .
	try cat a/b/c/d/one a/b/c/d/two a/b/side
	try rm a/b/c/d/one
	try sc rename a/b/c/d y/d
	try rm -r y
	try rm -r a
	try ls -AR .
	remount
	try ls -AR .
}
