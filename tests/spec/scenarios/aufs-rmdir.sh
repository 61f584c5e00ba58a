# SPDX-License-Identifier: Apache-2.0
# title: a directory that holds only .wh. names is removed with them, or replaced by a rename
# labels: quick
# plyfs-only: an option of plyfs's own
# options: whiteouts=both

layers() {
	put l1/merged/a 1
	put upper/merged/.wh.a ""
	put upper/merged/.wh..wh.plnk/x ""
	put upper/pure/.wh.x ""
	put upper/pure/.wh..wh..opq ""
	put upper/target/.wh.x ""
	put l1/target/x 1
	put l1/low/.wh.x ""
	put l2/low/x 1
	put upper/moves/.wh..wh..opq ""
	put upper/moves/own 1
	put l1/moves/below 1
}

scenario() {
	check_equal "they show nothing" "" "$(ls -A merged pure target low | grep -v ':$' | tr -d '\n')"
	check "a merged one" rmdir merged
	upper_has merged
	check "one of the upper alone" rmdir pure
	upper_has pure
	check "a lower one" rmdir low
	upper_has low
	check "one made for it" mkdir fresh
	echo 2 >fresh/f
	check "a rename replaces one" mv -T fresh target
	check "an opaque one moves" mv moves moved
	check_equal "names" "moved moved/own target target/f " "$(find . -mindepth 1 -printf '%P\n' | sort | tr '\n' ' ')"
	remount
	check_equal "names" "moved moved/own target target/f " "$(find . -mindepth 1 -printf '%P\n' | sort | tr '\n' ' ')"
	check "all is removed" rm -r moved target
	check_equal "no directory is left in the work directory" "" "$(find "$BASE/work/work" -mindepth 1 -type d)"
}
