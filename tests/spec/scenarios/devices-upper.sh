# SPDX-License-Identifier: Apache-2.0
# title: files of two subvolumes in the upper that have one number stay two files
# labels: quick
# fs: btrfs
# needs: mkfs.btrfs btrfs

layers() {
	local sub

	put l1/a/lower "lower"
	put l1/b/lower "lower too"
	for sub in upper/a upper/b; do
		btrfs -q subvolume create "$sub"
		put "$sub/x" "$sub"
		ln "$sub/x" "$sub/y"
		put "$sub/m" "$sub, to be moved"
	done
}

scenario() {
	try tail -n +1 a/x a/y b/x b/y a/m b/m
	try sh -c 'echo changed >b/x; echo more >>b/y; chmod 600 a/y'
	try tail -n +1 a/x a/y b/x b/y
	try stat -c '%n %h %a' a/x a/y b/x b/y
	try sc rename a/x b/x
	try sc rename a/m a/y
	try sc rename b/m b/y
	try ln a/y b/linked
	try tail -n +1 a/x a/y b/x b/y
	try stat -c '%n %h' a/x a/y b/x b/y
	# the work directory lies in another subvolume than these
	try chmod 600 a/lower
	try sh -c 'echo new >a/new; mkdir b/new; rm a/x'
	try ls . a b
	remount
	try tail -n +1 a/y b/x b/y a/lower b/lower
	try ls . a b
}
