# SPDX-License-Identifier: Apache-2.0
# title: O_TRUNC empties a lower file without copying its data
# labels: quick

layers() {
	fill l1/big 8M
	put l1/small "old content"
	chown 5:6 l1/small
	setfattr -n user.kept -v 1 l1/small
	put l1/ro "x"
	chmod 444 l1/ro
}

scenario() {
	local before after

	before=$(stat -f -c %f "$BASE/upper")
	try sc fd open:big:w,trunc write:short fstat
	after=$(stat -f -c %f "$BASE/upper")
	check "less than 1 MiB was taken" test $((before - after)) -lt 256
	try sh -c 'echo new >small; cat small big'
	stat_of '%n %s %u:%g' small big
	try sc xattr get small user.kept
	as 9:9 "$SC" fd open:ro:r,trunc open:ro:w,trunc
	stat_of '%n %s' ro
	try sc fd open:ro:r,trunc
	stat_of '%n %s' ro
}
