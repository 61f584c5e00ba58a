# SPDX-License-Identifier: Apache-2.0
# title: a copy-up without space fails, leaves nothing behind, and works once there is space
# fs: tmpfs
# size: 1G

layers() {
	fill l1/dir/big 300M
	fill filler 1600M 2
}

scenario() {
	check "the write fails" sh -c '! "$SC" fd open:dir/big:rw pwrite:0:x fsync close | grep -q "^pwrite.* 1\$"'
	check_equal "the file is whole" "$(md5sum <"$BASE/l1/dir/big")" "$(md5sum <dir/big)"
	upper_has dir/big
	check_equal "no data stays in the work directory" 0 "$(find "$BASE/work" -type f -size +16 | wc -l)"
	rm "$BASE/filler"
	space_comes "$BASE" 400000
	try sc fd open:dir/big:rw pwrite:0:x fsync
	upper_has dir/big
	stat_of '%n %s' dir/big
}
