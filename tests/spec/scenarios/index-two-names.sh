# SPDX-License-Identifier: Apache-2.0
# title: of two linked lower names one is written, and both show it, now and after a remount
# labels: quick
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off

layers() {
	put l1/a "old"
	ln l1/a l1/b
	mkdir l1/dir
}

scenario() {
	stat_of '%n %h' a b
	ino=$(stat -c %i a)
	check "one inode" test a -ef b
	try sh -c 'echo new >>a'
	try cat a b
	stat_of '%n %h' a b
	check "still one inode" test a -ef b
	check_equal "its number is the lower one's" "$ino" "$(stat -c %i b)"
	remount
	try cat a b
	stat_of '%n %h' a b
	check "one inode after the remount" test a -ef b
	check_equal "its number is the lower one's after the remount" "$ino" "$(stat -c %i b)"

	try mv b dir/b
	try sc inodes dir
}
