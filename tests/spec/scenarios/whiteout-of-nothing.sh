# SPDX-License-Identifier: Apache-2.0
# title: a whiteout that hides nothing isn't listed, by itself in a directory or beside names, and gives its name back
# labels: quick
# expect-diff: observations:.shown in a directory of one layer the kernel lists a name that it then can't find

layers() {
	mkdir -p l1/pure l1/merged l2/merged
	whiteout l1/pure/ghost
	put l1/pure/real 1
	whiteout l1/merged/ghost
	put l2/merged/real 1
	whiteout l1/gone
}

scenario() {
	try ls -A merged
	ls -A pure 2>/dev/null | grep ghost | sed 's/^/shown: /'
	try cat pure/ghost merged/ghost gone
	ls -A pure 2>/dev/null | grep -v ghost
	try sh -c 'echo new >pure/ghost; cat pure/ghost; ls -A pure'
}
