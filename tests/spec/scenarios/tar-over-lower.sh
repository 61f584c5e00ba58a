# SPDX-License-Identifier: Apache-2.0
# title: tar unpacks over a merged tree, and cp -a of it is the same tree
# labels: quick
# needs: tar

layers() {
	local i

	for i in $(seq 30); do
		put "l1/src/d$((i % 5))/f$i" "$i"
		chmod $((600 + i % 7 * 10 + i % 5)) "l1/src/d$((i % 5))/f$i"
	done
	ln l1/src/d1/f1 l1/src/d2/hard
	ln -s ../d1 l1/src/d3/link
	mkfifo l1/src/fifo
	tar -C l1 --mtime=@1111111111 -cf archive src
}

scenario() {
	try tar -xf "$BASE/archive"
	stat_of '%n %h' src/d1/f1 src/d2/hard
	try cp -a src copy
	(cd src && "$SC" tree .) >"$BASE/one"
	(cd copy && "$SC" tree .) >"$BASE/two"
	try cmp "$BASE/one" "$BASE/two"
	try diff -r --no-dereference src copy
	try rm -r src
	try tar -xf "$BASE/archive"
	try find src -type f -newermt @1111111112
	rm "$BASE/one" "$BASE/two"
}
