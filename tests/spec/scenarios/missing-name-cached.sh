# SPDX-License-Identifier: Apache-2.0
# title: a missing name asked again costs the daemon nothing
# labels: quick
# plyfs-only: the daemon's requests are counted

layers() {
	put l1/dir/x 1
	put l2/dir/y 1
}

scenario() {
	local before i

	for i in 1 2 3; do [ -e dir/missing ]; [ -e dir/x ]; done
	before=$(requests "$BASE/merged")
	for i in $(seq 1000); do [ -e dir/missing ]; [ -e dir/x ]; done
	check "fewer than 20 requests for 2,000 questions ($(($(requests "$BASE/merged") - before)))" test $(($(requests "$BASE/merged") - before)) -lt 20
	check "the counter counts" sh -c 'ls -A dir/../dir >/dev/null; touch new; test -e new'
	before=$(requests "$BASE/merged")
	for i in $(seq 100); do [ -e "dir/missing$i" ]; done
	check "100 new names make requests ($(($(requests "$BASE/merged") - before)))" test $(($(requests "$BASE/merged") - before)) -ge 100
}
