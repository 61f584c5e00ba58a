# SPDX-License-Identifier: Apache-2.0
# title: rm -rf of a tree of linked lower files copies nothing and forgets their counts
# labels: quick
# options: index=on
# plyfs-only: the kernel copies each of them up to count its names

layers() {
	mkdir -p l1/tree/one l1/tree/two l1/kept
	local i
	for i in $(seq 1 50); do
		fill l1/tree/one/$i 20000
		ln l1/tree/one/$i l1/tree/two/$i
	done
	ln l1/tree/one/1 l1/kept/last
}

scenario() {
	try rm -rf tree
	check_equal "nothing is in the index" "" "$(ls -A "$BASE/work/index")"
	check_equal "nothing but whiteouts in the upper" "" "$(find "$BASE/upper" -type f)"
	check_equal "one count is kept" 1 "$(ls -A "$BASE/work/nlink" | wc -l)"
	check_equal "it counts the two names that went" "L-2" "$(readlink "$BASE"/work/nlink/*)"
	stat_of '%n %h' kept/last
	remount
	stat_of '%n %h' kept/last
	try rm kept/last
	check_equal "no count is kept" "" "$(ls -A "$BASE/work/nlink")"
}
