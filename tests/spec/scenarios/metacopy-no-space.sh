# SPDX-License-Identifier: Apache-2.0
# title: when there is no room for the data of a file that was copied up without it, the old content stays readable
# labels: quick
# plyfs-only: the upper is filled up
# options: metacopy=on,redirect_dir=on
# size: 1G

layers() {
	fill l1/big 20M 1
	fill l1/other 20M 2
}

scenario() {
	try chown 5:6 big other
	fallocate -l "$(($(df --output=avail -k "$BASE/upper" | tail -n 1) - 12288))K" "$BASE/ballast"
	printf X | dd of=big bs=1 seek=100 conv=notrunc status=none 2>err
	check "the write says so" grep -q 'No space left' err
	check "all of the old content is there" cmp big "$BASE/l1/big"
	check "the room of the part that was copied is free again" [ "$(stat -c %b "$BASE/upper/big")" -lt 64 ]
	check_equal "and its times are" 1000000001 "$(stat -c %Y big)"
	remount
	check "also after a remount" cmp big "$BASE/l1/big"
	check "a truncation needs no room" truncate -s 0 other
	rm "$BASE/ballast"
	printf X | dd of=big bs=1 seek=100 conv=notrunc status=none
	check_equal "with room the write succeeds" "$(tail -c +102 "$BASE/l1/big" | md5sum)" "$(tail -c +102 big | md5sum)"
	check_equal "and shows" X "$(tail -c +101 big | head -c 1)"
	rm -f err
}
