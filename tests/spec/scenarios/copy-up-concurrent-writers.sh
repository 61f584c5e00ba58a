# SPDX-License-Identifier: Apache-2.0
# title: eight writers that meet on a lower file all find their bytes in the copy
# labels: quick

layers() {
	fill l1/dir/file 20M
	put l1/a/b/c/d/one 1
	local i
	for i in 1 2 3 4 5 6 7 8; do put "l1/a/b/c/d/f$i" "$i"; done
}

scenario() {
	local i before

	# Two of the kernel's copy-ups that meet in one directory may leave it the time of either: it puts back what it finds.
	chmod 755 dir a/b/c/d
	before=$(mtime_of a/b/c/d)
	for i in 1 2 3 4 5 6 7 8; do
		"$SC" fd open:dir/file:rw "pwrite:$((i * 2000000)):writer-$i" >/dev/null &
		sh -c "echo more >>a/b/c/d/f$i" &
	done
	wait
	try md5sum dir/file
	for i in 1 2 3 4 5 6 7 8; do
		"$SC" fd open:dir/file:r "pread:$((i * 2000000)):8"
	done
	try cat a/b/c/d/f1 a/b/c/d/f8
	[ "$FS" = kernel ] || [ "$(mtime_of a/b/c/d)" = "$before" ] || echo "FAIL: the directory has a new time"
	touch a/b/c/d
}
