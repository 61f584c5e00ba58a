# SPDX-License-Identifier: Apache-2.0
# title: with ino32_t every inode number fits into 32 bits, readdir agrees with stat, and numbers stay over copy-up
# labels: quick
# options: ino32_t
# plyfs-only: an option of the replaced program

layers() {
	mkdir -p l2
	mount -t tmpfs l2 l2
	put l1/dir/one 1
	put l2/dir/two 2
	put l2/dir/sub/x 3
	ln l2/dir/two l2/dir/two-too
	ln -s one l1/dir/link
}

large() { find . -printf '%i %p\n' | awk '$1 > 4294967295 || $1 == 0'; }

scenario() {
	local before

	check_equal "none is too large" "" "$(large)"
	numbers_agree "no entry differs" dir
	check_equal "numbers are distinct" "" "$(find . ! -name two-too -printf '%i\n' | sort | uniq -d)"
	before=$(stat -c '%n %i %d' dir dir/*)
	echo more >>dir/one
	touch dir/sub/new
	check_equal "numbers stay over copy-up" "$before" "$(stat -c '%n %i %d' dir dir/*)"
	check_equal "none is too large after changes" "" "$(large)"
}
