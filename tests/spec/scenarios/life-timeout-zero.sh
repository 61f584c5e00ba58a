# SPDX-License-Identifier: Apache-2.0
# title: with timeout=0 every change of a layer shows at the next look: content, names, kinds, links and merged directories
# labels: quick
# plyfs-only: an option of plyfs's own
# not-mounted: yes

# Not among the layers that must stay as they are.
layers() {
	put top/same AAAA
	put top/replaced old
	put low/hidden-later low
	put top/dir/a a
	put low/dir/g g
	put low/joined/x x
	put top/left/y y
	put low/left/x x
	put top/kind file
	put top/gone gone
	put low/copied low
	ln -s t1 top/link
}

names() {
	ls "$@" | tr '\n' ' '
}

scenario() {
	local old

	union "$BASE/merged" "lowerdir=$BASE/top:$BASE/low,upperdir=$BASE/upper,workdir=$BASE/work,timeout=0"
	cd merged
	cat same replaced hidden-later kind gone >/dev/null
	names dir joined left >/dev/null
	readlink link
	! cat missing 2>/dev/null || echo "FAIL: missing"
	exec {old}<same

	printf BBBB | dd of=../top/same conv=notrunc status=none
	check_equal "content of the same length, opened anew" BBBB "$(cat same)"
	check_equal "and read through a descriptor from before" BBBB "$(cat <&$old)"
	exec {old}<&-
	echo new >../top/r && mv ../top/r ../top/replaced
	check_equal "a replaced file" new "$(cat replaced)"
	put ../top/hidden-later top
	check_equal "a file that a higher layer got" top "$(cat hidden-later)"
	rm ../top/link && ln -s t2 ../top/link
	check_equal "a symlink" t2 "$(readlink link)"
	put ../top/missing here
	check_equal "a name that was missing" here "$(cat missing)"
	rm ../top/gone
	check "a removed file" sh -c '! cat gone'
	put ../top/dir/b b && rm ../top/dir/a
	check_equal "a listing" "b g " "$(names dir)"
	put ../top/joined/y y
	check_equal "a directory that a higher layer joined" "x y " "$(names joined)"
	check_equal "and what lies in there" y "$(cat joined/y)"
	rm -r ../top/left
	check_equal "a directory that a layer left" "x " "$(names left)"
	rm ../top/kind && put ../top/kind/z z
	check_equal "a file that became a directory" z "$(cat kind/z)"
	put ../upper/hidden-later upper
	check_equal "a file that the upper got" upper "$(cat hidden-later)"
	echo more >>copied
	check_equal "a file that was copied up" "low more " "$(tr '\n' ' ' <copied)"
	whiteout ../upper/replaced
	check "a whiteout" sh -c '! cat replaced'

	cd "$BASE"
	check "unmounts" union_umount "$BASE/merged"
}
