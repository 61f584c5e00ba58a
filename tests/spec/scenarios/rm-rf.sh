# SPDX-License-Identifier: Apache-2.0
# title: rm -rf of a tree that all layers share leaves a single whiteout
# labels: quick

layers() {
	local i

	for i in 1 2 3 4 5 6 7 8 9 10; do
		put "l1/tree/d$i/a" "$i"
		put "l2/tree/d$i/b" "$i"
		put "l2/tree/e$i/sub/c" "$i"
		ln -s nowhere "l1/tree/d$i/link"
	done
	put upper/tree/d1/up 1
	whiteout upper/tree/d2
}

scenario() {
	try rm -rf tree
	try ls -A
	upper_has tree
	try find "$BASE/upper" -mindepth 1 -maxdepth 3
}
