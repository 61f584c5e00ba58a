# SPDX-License-Identifier: Apache-2.0
# title: open files and mappings see one content before, while and after the data follows its metadata
# labels: quick
# options: metacopy=on,redirect_dir=on
# needs: python3
# plyfs-only: descriptors and mappings from before copy-up see the data after it

layers() {
	local i

	fill l1/gone 1M 1
	fill l1/mapped 1M 2
	fill l1/target 1M 3
	fill l1/source 1M 4
	fill l1/x 1M 5
	fill l1/y 1M 6
	fill l1/many 8M 7
	for i in 1 2 3 4 5 6 7 8; do
		fill l1/t$i 1M $i
	done
}

scenario() {
	local i

	try chmod 600 gone
	try python3 -c '
import os, sys
f = os.open("gone", os.O_RDWR)
os.unlink("gone")
whole = open(sys.argv[1], "rb").read()
assert os.pread(f, len(whole), 0) == whole
os.fchmod(f, 0o644)
os.pwrite(f, b"here", 500)
assert os.pread(f, len(whole), 0) == whole[:500] + b"here" + whole[504:]
assert os.fstat(f).st_nlink == 0 and os.fstat(f).st_mode & 0o777 == 0o644
' "$BASE/l1/gone"

	try chmod 600 mapped
	try python3 -c '
import mmap
with open("mapped", "r+b") as f:
    m = mmap.mmap(f.fileno(), 0)
    before = m[500000:500010]
    m[5:9] = b"here"
    m.flush()
    assert m[500000:500010] == before
'
	check_equal "a store through a mapping is in the file" here "$(head -c 9 mapped | tail -c 4)"
	check_equal "and the rest is what it was" "$(tail -c +10 "$BASE/l1/mapped" | md5sum)" "$(tail -c +10 mapped | md5sum)"

	try chmod 600 target source
	try python3 -c '
import os
a = os.open("source", os.O_RDONLY)
b = os.open("target", os.O_WRONLY)
assert os.copy_file_range(a, b, 5000, 0, 100000) == 5000
'
	check_equal "a range was copied" "$(head -c 5000 "$BASE/l1/source" | md5sum)" "$(tail -c +100001 target | head -c 5000 | md5sum)"
	check_equal "into what was there" "$(head -c 100000 "$BASE/l1/target" | md5sum)" "$(head -c 100000 target | md5sum)"
	check "and the source stays without data" [ "$(stat -c %b "$BASE/upper/source")" -lt 64 ]

	try chmod 600 x
	try sc rename x y exchange
	check "exchanged files have each other's data" cmp x "$BASE/l1/y"
	check "both" cmp y "$BASE/l1/x"

	try chmod 600 many
	for i in 0 1 2 3 4 5 6 7; do
		printf $i | dd of=many bs=1 seek=$((i * 1000000)) conv=notrunc status=none &
	done
	wait
	for i in 0 1 2 3 4 5 6 7; do
		check_equal "writer $i of a file at once" $i "$(tail -c +$((i * 1000000 + 1)) many | head -c 1)"
	done
	check_equal "leaves the rest" "$(tail -c 1000000 "$BASE/l1/many" | md5sum)" "$(tail -c 1000000 many | md5sum)"

	for i in 1 2 3 4 5 6 7 8; do
		(chmod 600 t$i; mv t$i u$i; chown 3 u$i) &
		(echo w >>t$i) 2>/dev/null &
	done
	wait
	for i in 1 2 3 4 5 6 7 8; do
		check "a file that is renamed and written at once keeps its data" sh -c "cat t$i u$i 2>/dev/null | head -c 1048576 | cmp - '$BASE/l1/t$i' || head -c 1048576 u$i | cmp - '$BASE/l1/t$i'"
	done
	remount
	check "exchanged files after a remount" cmp x "$BASE/l1/y"
	check "both" cmp y "$BASE/l1/x"
}
