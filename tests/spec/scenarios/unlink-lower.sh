# SPDX-License-Identifier: Apache-2.0
# title: unlink of a lower file copies no data and leaves one whiteout
# labels: quick

layers() {
	fill l1/big 4M
	put l2/big "hidden below"
	put l2/dir/small "small"
}

scenario() {
	local before after

	before=$(stat -f -c %f "$BASE/upper")
	try rm big dir/small
	after=$(stat -f -c %f "$BASE/upper")
	check "less than 64 KiB were taken" test $((before - after)) -lt 16
	try cat big
	try ls -A . dir
	upper_has big
	upper_has dir/small
}
