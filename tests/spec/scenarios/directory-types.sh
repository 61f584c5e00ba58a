# SPDX-License-Identifier: Apache-2.0
# title: readdir tells the type of every entry, from each layer, after copy-up, rename and exchange
# labels: quick

layers() {
	local l
	for l in l1 l2 upper; do
		mkdir -p "$l/all/dir-$l" "$l/pure-$l/dir"
		put "$l/all/file-$l" x
		put "$l/pure-$l/file" x
		ln -s x "$l/all/link-$l"
		mkfifo "$l/all/fifo-$l"
		mknod "$l/all/chr-$l" c 1 3
		mknod "$l/all/blk-$l" b 7 99
		"$SC" bind "$l/all/sock-$l" >/dev/null
		ln -s x "$l/pure-$l/link"
	done
	put l2/all/dir-l1 "hidden by the directory above"
}

scenario() {
	try sc inodes all
	for d in pure-*; do try sc inodes "$d"; done
	chmod 600 all/file-l1 all/fifo-l2 all/chr-l1
	mv all/link-l2 all/moved
	mv all/file-l2 all/dir-l1/inside
	try sc rename all/fifo-l1 all/file-l1 exchange
	rm all/sock-l1
	mkdir all/sock-l1
	try sc inodes all
	try sc inodes all/dir-l1
	remount
	try sc inodes all
}
