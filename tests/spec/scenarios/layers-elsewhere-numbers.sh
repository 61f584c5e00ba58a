# SPDX-License-Identifier: Apache-2.0
# title: one device number holds all entries and readdir agrees with stat, wherever the layers lie
# plyfs-only: the kernel shows a device of its own for each layer that lies elsewhere

layers() {
	mkdir -p l2
	mount -t tmpfs l2 l2
	put l1/dir/one 1
	put l2/dir/two 2
	put l2/dir/sub/x 3
}

scenario() {
	numbers_agree "no entry differs" dir
	check_equal "numbers are distinct" "" "$(find . -printf '%i\n' | sort | uniq -d)"
	local before
	before=$(stat -c '%n %i %d' dir dir/*)
	echo more >>dir/two
	touch dir/sub/new
	check_equal "numbers stay over copy-up" "$before" "$(stat -c '%n %i %d' dir dir/*)"
	check_equal "what is made has its own number in the upper, as 32-bit programs need it" "$(stat -c %i "$BASE/upper/dir/sub/new")" \
		"$(stat -c %i dir/sub/new)"
}
