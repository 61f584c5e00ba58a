# SPDX-License-Identifier: Apache-2.0
# title: names are found in each of nine layers, and merged directories hold them all
# labels: quick

layers() {
	local i

	for i in 1 2 3 4 5 6 7 8 9; do
		put "l$i/only-$i" "$i"
		put "l$i/all" "$i"
		put "l$i/merged/file-$i" "$i"
		put "l$i/merged/sub/deep-$i" "$i"
	done
	whiteout l4/merged/file-6
	opaque l7/merged/sub
}

scenario() {
	try ls -A . merged merged/sub
	try cat only-1 only-9 all merged/file-9 merged/sub/deep-7
	try cat merged/sub/deep-8 merged/file-6
	try rm -r merged
	try ls -A
}
