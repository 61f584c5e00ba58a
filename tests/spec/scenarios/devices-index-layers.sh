# SPDX-License-Identifier: Apache-2.0
# title: hard links survive copy-up also where the layers are subvolumes of one file system
# labels: quick
# fs: btrfs
# needs: mkfs.btrfs btrfs
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off
# may-diff: ^upper:.([abc]|low)/[xyz]\| which of the names has its link in the upper first: FUSE tells the inode alone

layers() {
	local sub

	for sub in l1/a l1/b l1/c; do
		btrfs -q subvolume create "$sub"
		put "$sub/x" "$sub"
		ln "$sub/x" "$sub/y"
	done
	btrfs -q subvolume create l2
	mkdir l2/low
	put l2/low/x "second layer"
	ln l2/low/x l2/low/y
	ln l2/low/x l2/low/z
}

look() {
	try tail -n +1 a/x a/y b/x b/y c/x c/y low/x low/y low/z
	try stat -c '%n %h' a/x a/y b/x b/y c/x c/y low/x low/y low/z
	try test b/x -ef b/y
	try test low/x -ef low/z
}

scenario() {
	look
	try sh -c 'echo changed >b/x; echo changed >>low/y'
	look
	try rm a/x
	try ln c/y c/new
	try sh -c 'echo also >>c/new'
	look
	remount
	look
	try sh -c 'echo again >>a/y; echo again >>b/y; echo again >>low/z'
	look
	try ls . a b c low
}
