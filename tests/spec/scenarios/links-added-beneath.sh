# SPDX-License-Identifier: Apache-2.0
# title: names that were added to a lower file beneath the mount don't take away those that it had
# labels: quick
# not-mounted: yes

layers() {
	put low/a content
	ln low/a low/b
	mkdir up wk
}

scenario() {
	local b=$BASE

	union "$b/merged" "lowerdir=$b/low,upperdir=$b/up,workdir=$b/wk,index=on" || return
	cd merged || return
	try sh -c 'echo more >>a'
	ln ../low/a ../low/c
	ln ../low/a ../low/d
	stat_of '%n %h' a
	try rm c
	stat_of '%n %h' a
	# Both that were counted are gone now, and a and b are still there.
	try rm d
	stat_of '%n %h' a
	try ln a e
	stat_of '%n %h' a
	try cat a b e
	try rm a b e
	try ls
	cd ..
	union_umount "$b/merged" || echo "FAIL: unmount"
	check_equal "nothing is left in the index" "" "$(find wk/index -type f)"
}
