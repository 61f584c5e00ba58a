# SPDX-License-Identifier: Apache-2.0
# title: a file renamed or removed while it is copied up is whole under its new name, or gone
# labels: quick

layers() {
	local i

	for i in 1 2 3 4 5 6; do
		fill "l1/dir/move$i" 8M "$i"
		fill "l1/dir/gone$i" 8M "$i"
	done
	mkdir l1/other
}

scenario() {
	local i

	# One after the other: two of the kernel's copy-ups that meet in one directory may leave it the time of either.
	chmod 755 dir other
	for i in 1 2 3 4 5 6; do
		"$SC" fd open:dir/move$i:rw pwrite:0:x >/dev/null &
		"$SC" fd open:dir/gone$i:rw pwrite:0:x fstat >/dev/null &
		"$SC" rename dir/move$i other/moved$i >/dev/null &
		rm dir/gone$i &
		wait
	done
	try ls -A dir other
	for i in 1 2 3 4 5 6; do
		stat_of '%s' other/moved$i
		tail -c +2 other/moved$i | cmp - <(tail -c +2 "$BASE/l1/dir/move$i") && echo same
	done
	rm other/moved?
}
