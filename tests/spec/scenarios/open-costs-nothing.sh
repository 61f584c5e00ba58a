# SPDX-License-Identifier: Apache-2.0
# title: open, read and close of a known file ask the daemon for nothing
# labels: quick
# plyfs-only: the daemon's requests are counted

layers() {
	put l1/file "content"
	put l1/dir/x 1
}

scenario() {
	local before i line

	for i in 1 2 3; do line=$(<file); echo dir/* >/dev/null; done
	before=$(requests "$BASE/merged")
	# not "read": it asks for the terminal, and that ioctl is a request
	for i in $(seq 500); do line=$(<file); done
	check "fewer than 20 requests for 500 reads ($(($(requests "$BASE/merged") - before)))" test $(($(requests "$BASE/merged") - before)) -lt 20
	before=$(requests "$BASE/merged")
	for i in $(seq 200); do echo dir/* >/dev/null; done
	check "fewer than 20 requests for 200 listings ($(($(requests "$BASE/merged") - before)))" test $(($(requests "$BASE/merged") - before)) -lt 20
	check_equal "content" "content" "$line"
}
