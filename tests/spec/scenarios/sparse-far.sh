# SPDX-License-Identifier: Apache-2.0
# title: a byte beyond 4 GiB is written and read where it was put
# labels: quick

layers() {
	printf 'near' >l1/far
}

scenario() {
	try sc fd open:far:rw pwrite:5000000000:here fstat pread:4999999998:8 pread:0:6
	try sc fd open:new:rw,creat pwrite:8589934592:there fstat pread:8589934592:5
	check "few blocks are taken" test "$(stat -c %b far)" -lt 2048
	# or each comparison would read gigabytes
	try truncate -s 100 far new
}
