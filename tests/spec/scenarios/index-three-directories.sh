# SPDX-License-Identifier: Apache-2.0
# title: linked lower names in three directories are one file, whichever is looked up, written, renamed or linked
# labels: quick
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off

layers() {
	put l1/d1/a "old"
	mkdir l1/d2 l1/d3
	ln l1/d1/a l1/d2/b
	ln l1/d1/a l1/d3/c
}

scenario() {
	ino=$(stat -c %i d1/a)
	try sh -c 'echo new >>d2/b'
	try cat d1/a d2/b d3/c
	stat_of '%n %h' d1/a d2/b d3/c
	remount
	try mv d3/c d1/moved
	stat_of '%n %h' d1/a d2/b d1/moved
	try ln d1/a d3/linked
	stat_of '%n %h' d1/a d3/linked
	remount
	stat_of '%n %h' d1/a d2/b d1/moved d3/linked
	for name in d1/a d2/b d1/moved d3/linked; do
		check_equal "one number" "$ino" "$(stat -c %i $name)"
	done
	try chmod 640 d3/linked
	stat_of '%n %a %h' d1/a d2/b d1/moved d3/linked
	try sc inodes d1
	try sc inodes d3
	try mv d1/moved d2/b
	stat_of '%n %h' d1/a d2/b d1/moved
	try rm -r d1 d2
	stat_of '%n %h' d3/linked
	remount
	try cat d3/linked
	stat_of '%n %h' d3/linked
}
