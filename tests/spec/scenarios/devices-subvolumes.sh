# SPDX-License-Identifier: Apache-2.0
# title: files of two subvolumes, or of a snapshot inside its origin, that have one number stay two files
# labels: quick
# fs: btrfs
# needs: mkfs.btrfs btrfs

subvolume() { btrfs -q subvolume create "$1"; }

layers() {
	local sub

	for sub in a b; do
		subvolume "l1/$sub"
		put "l1/$sub/x" "$sub"
		ln "l1/$sub/x" "l1/$sub/y"
		put "l1/$sub/d/z" "$sub in a directory"
		put "l1/$sub/m" "$sub, to be moved"
	done
	subvolume l1/origin
	put l1/origin/d/f "in the origin"
	put l1/origin/g "in the origin too"
	btrfs -q subvolume snapshot l1/origin l1/origin/snap
	put l1/origin/snap/d/f "in the snapshot"
}

scenario() {
	try tail -n +1 a/x a/y a/d/z a/m b/x b/y b/d/z b/m origin/d/f origin/g origin/snap/d/f origin/snap/g
	try sh -c 'echo changed >b/x; echo changed >>b/d/z; echo changed >>origin/snap/d/f; chmod 600 a/d'
	try tail -n +1 a/x a/y a/d/z b/x b/y b/d/z origin/d/f origin/snap/d/f
	try stat -c '%n %h %a' a/x a/y b/x b/y a/d b/d
	try sc rename a/m b/m
	try ls a b
	try rm origin/snap/g
	try ls origin origin/snap
	try mv b/d/z b/d/zz
	try rm -r a/d
	try ls a b b/d
	remount
	try tail -n +1 a/x a/y b/x b/y b/d/zz b/m origin/d/f origin/g origin/snap/d/f
	try ls . a b b/d origin origin/snap
}
