# SPDX-License-Identifier: Apache-2.0
# title: names that come and go in a directory of 10,000 cost the same as in one of 1,000
# timeout: 120

layers() {
	mkdir -p l1/small l1/large l2/large
	(cd l1/small && seq 0 999 | sed 's/^/n/' | xargs touch)
	(cd l1/large && seq 0 9999 | sed 's/^/n/' | xargs touch)
	touch l2/large/below
}

scenario() {
	local small large

	small=$("$SC" churn small 1000)
	large=$("$SC" churn large 10000)
	check "10,000 names take at most 40 times as long as 1,000 ($large ms, $small ms)" test "$large" -le $((small * 40 + 200))
	try sh -c 'ls -A large | wc -l; ls -A small | wc -l'
	small=$("$SC" churn small 1000)
	large=$("$SC" churn large 10000)
	check "also the second time ($large ms, $small ms)" test "$large" -le $((small * 40 + 200))
}
