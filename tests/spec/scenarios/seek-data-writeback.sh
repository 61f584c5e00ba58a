# SPDX-License-Identifier: Apache-2.0
# title: with the write-back cache no data that waits to be written is taken for a hole
# labels: quick
# options: writeback
# plyfs-only: the kernel has no such option, and tells each hole

layers() {
	mkdir l1/dir
	truncate -s 10M l1/sparse
}

scenario() {
	try sc fd open:new:rw,creat pwrite:1000000:data seek:data:999999 seek:data:1000000
	truncate -s 20M new
	try sc fd open:new:rw pwrite:15000000:late seek:data:15000000
	try sc fd open:sparse:rw pwrite:5000000:data seek:data:5000000
	printf 'end' >>sparse
	check "a copy that skips holes is whole" sh -c 'cp --sparse=always sparse copy && cmp sparse copy && tail -c 3 copy | grep -q end'
	check_equal "the end of the data is the file's end" "seek:hole:0 -> 10485763" "$("$SC" fd open:sparse:r seek:hole:0 | tail -1)"
	check_equal "positions in the data" 3 "$("$SC" fd open:new:r seek:data:1000000 use:0 seek:data:15000000 open:sparse:r seek:data:5000000 | grep -c -E 'data:([0-9]+) -> \1$')"
}
