# SPDX-License-Identifier: Apache-2.0
# title: data-only layers are not listed, and give their data to absolute redirects of the lowest other layer alone
# labels: quick
# expect-diff: missing a missing data file shows when it is read, not when it is opened, and as EIO
# may-diff: in-upper the kernel's listing leaves it out when it has to look at it for its number
# expect-diff: longer a file whose data is of another size isn't read in part or filled up

layers() {
	local kind

	metacopy l1/file 5 /ab/data
	chmod 640 l1/file
	setfattr -n user.color -v blue l1/file
	metacopy l1/dir/second 7 /ab/second
	metacopy l1/big 1048576 /ab/big
	metacopy l1/longer 50 /ab/data
	metacopy l1/missing 5 /ab/missing
	metacopy l1/to-dir-missing 5 /ab
	metacopy l1/to-symlink-missing 5 /ab/symlink
	metacopy l1/no-redirect 5
	metacopy l1/relative 5 data
	metacopy upper/in-upper 5 /ab/data
	put l1/plain "plain"
	mkdir -p l1/ab
	put l1/ab/own "own"

	put d1/ab/data "data"
	put d1/data "root"
	put d1/no-redirect "hidden"
	ln -s data d1/ab/symlink
	put d2/ab/data "late"
	put d2/ab/second "second"
	fill d2/ab/big 1M
	put d2/only "only"
	for kind in whiteout socket device fifo; do
		metacopy l1/behind-$kind 7 /ab/behind-$kind
		put d2/ab/behind-$kind "behind"
	done
	whiteout d1/ab/behind-whiteout
	"$SC" mknod d1/ab/behind-socket sock 644 >/dev/null
	mknod d1/ab/behind-device c 1 3
	mkfifo d1/ab/behind-fifo
}

scenario() {
	try ls -A . ab dir
	try cat only
	try ls ab/data
	check_equal "before it is read its blocks are what its size takes" 2048 "$(stat -c %b big)"
	try stat_of '%n %s %a %b' file dir/second
	try cat file dir/second
	try cmp big "$BASE/d2/ab/big"
	try stat_of '%n %s %a %b' file dir/second big
	try getfattr -d -m - file
	echo "longer: $(cat longer 2>&1)"
	echo "missing: $(cat missing 2>&1)"
	echo "to-dir-missing: $(cat to-dir-missing 2>&1)"
	echo "to-symlink-missing: $(cat to-symlink-missing 2>&1)"
	# Nothing but a regular file is data.
	try cat behind-whiteout behind-socket behind-device behind-fifo
	try cat no-redirect
	try cat relative
	echo "in-upper: $(cat in-upper 2>&1)"
	exec 5<file
	try mv dir dir2
	try rm file
	check_equal "a removed file is read on" data "$(cat <&5)"
	exec 5<&-
	remount
	try ls -A .
	try cat dir/second
	try chmod 600 dir/second
	try cat dir/second
	put dir/second "changed"
	try cat dir/second
	upper_has dir/second
	printf X | dd of=big bs=1 seek=500000 conv=notrunc status=none
	check_equal "the data before came along" "$(head -c 500000 "$BASE/d2/ab/big" | md5sum)" "$(head -c 500000 big | md5sum)"
	check_equal "and that behind" "$(tail -c 500000 "$BASE/d2/ab/big" | md5sum)" "$(tail -c 500000 big | md5sum)"
}
