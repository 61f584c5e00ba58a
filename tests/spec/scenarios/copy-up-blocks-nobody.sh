# SPDX-License-Identifier: Apache-2.0
# title: names elsewhere answer within milliseconds while a file of 1 GiB is copied up
# size: 4G
# timeout: 180

layers() {
	fill l1/big 1G
	put l1/dir/file 1
	put l2/dir/other 1
}

scenario() {
	local count p99 worst

	try ls -A dir
	"$SC" fd open:big:rw pwrite:0:x >/dev/null &
	sleep 0.05
	read -r count p99 worst <<<"$("$SC" probe dir 1)"
	check "99 of 100 took less than 50 ms (count $count, 99 %: $p99 ms, worst: $worst ms)" test "${p99%.*}" -lt 50
	try sh -c 'echo new >dir/new; echo more >>dir/file; rm dir/other; cat dir/new dir/file'
	wait
	try sc fd open:big:r pread:0:1
}
