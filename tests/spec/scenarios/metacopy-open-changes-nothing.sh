# SPDX-License-Identifier: Apache-2.0
# title: opening a file that was copied up without its data changes nothing of it
# labels: quick
# options: metacopy=on,redirect_dir=on
# needs: python3
# plyfs-only: the kernel copies the data at an open for writing, which sets the modification time and takes the setuid bit away

layers() {
	fill l1/file 1M
}

scenario() {
	try chmod 4755 file
	exec 5>>file
	exec 5>&-
	try stat_of '%a %Y' file
	check "no data was copied" [ "$(stat -c %b "$BASE/upper/file")" -lt 64 ]
	try cmp file "$BASE/l1/file"
	check "a change that fails leaves all as it was" sh -c '! python3 -c "
import os
os.ftruncate(os.open(\"file\", os.O_RDWR), 1 << 62)"'
	check_equal "its times" 1000000001 "$(stat -c %Y file)"
	check_equal "its mode" 4755 "$(stat -c %a file)"
	try cmp file "$BASE/l1/file"
}
