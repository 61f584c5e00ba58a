# SPDX-License-Identifier: Apache-2.0
# title: rename of a lower file moves it and leaves a whiteout, over whatever stood there
# labels: quick

layers() {
	put l1/a "a"
	put l1/b "b"
	put l1/over-lower "old"
	put upper/over-upper "old"
	put l1/over-white "old"
	put l1/dir/e "e"
	put l1/dir/sub/f "f"
	put l2/a "below a"
	chown 5:6 l1/a
	setfattr -n user.kept -v yes l1/a
	put l1/c c
	put l1/d d
}

scenario() {
	try mv a new
	try mv b over-lower
	try mv c over-upper
	try rm over-white
	try mv d over-white
	try mv dir/e dir/sub/e
	try mv dir/sub/f f
	try ls -A . dir dir/sub
	try cat new over-lower over-upper over-white dir/sub/e f
	stat_of '%n %u:%g' new
	try sc xattr get new user.kept
	upper_has a
	upper_has new
	upper_has dir/e
	upper_has dir/sub/f
	try mv new a
	upper_has new
	upper_has a
	try cat a
	try mv missing x
	remount
	try ls -A . dir dir/sub
}
