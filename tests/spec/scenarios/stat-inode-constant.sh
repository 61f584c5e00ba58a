# SPDX-License-Identifier: Apache-2.0
# title: the inode number stays the same over copy-up, rename and remount
# labels: quick

layers() {
	put l1/dir/file 1
	put l1/dir/other 1
	ln -s x l1/dir/link
	mkfifo l1/dir/fifo
	mkdir -p l2/dir
}

numbers() {
	stat -c '%i %d' dir dir/file dir/link dir/fifo | tr '\n' ' '
}

scenario() {
	local before

	before=$(numbers)
	try sh -c 'echo more >>dir/file; chown -h 1:1 dir/link; chmod 600 dir/fifo; chmod 700 dir'
	check_equal "numbers stay over copy-up" "$before" "$(numbers)"
	try mv dir/file dir/moved
	try mv dir/moved dir/file
	check_equal "numbers stay over rename" "$before" "$(numbers)"
	before=$(stat -c %i dir dir/file dir/link dir/fifo)
	remount
	check_equal "numbers stay over a remount" "$before" "$(stat -c %i dir dir/file dir/link dir/fifo)"
}
