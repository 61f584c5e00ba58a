# SPDX-License-Identifier: Apache-2.0
# title: a lower or merged directory is renamed with all that is in it, and stays so over a remount
# labels: quick
# options: redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=off,xino=off

layers() {
	put l1/low/a 1
	put l2/low/sub/deep/b 2
	put l1/merged/x 1
	put l2/merged/y 2
	put upper/merged/z 3
	put l1/parent/child/f 4
	put l2/parent/child/g 5
	mkdir -p l1/target l2/empty upper/updir
	put l1/file "f"
}

scenario() {
	exec 5<low/sub/deep/b
	try mv -T low low2
	try cat low2/a low2/sub/deep/b
	try sc rename merged target/merged
	try ls -AR . 
	check_equal "an open file is the one that it was" 2 "$(cat <&5)"
	exec 5<&-
	try sc rename parent/child updir/child
	try sc rename updir/child updir/kid
	try sc rename parent gone
	put updir/kid/new "n"
	put low2/sub/deep/b "changed"
	try rm target/merged/x
	try sc rename low2/sub target/sub
	try sc rename missing low2
	try sc rename low2 file
	try sc rename file low2
	try sc rename low2 low2/sub2
	try ls -AR .
	remount
	try ls -AR .
	try cat updir/kid/f updir/kid/g updir/kid/new target/sub/deep/b target/merged/y
	try mkdir low parent merged
	try ls -AR low parent merged
	upper_has low2
	upper_has target/merged
	upper_has target/sub
	upper_has updir/kid
	upper_has gone
}
