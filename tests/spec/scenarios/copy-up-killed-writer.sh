# SPDX-License-Identifier: Apache-2.0
# title: a writer killed during a copy-up of 1 GiB is gone within a second and leaves nothing in the upper
# size: 4G
# timeout: 120

layers() {
	fill l1/big 1G
}

scenario() {
	local pid start took

	"$SC" fd open:big:rw pwrite:0:x >/dev/null &
	pid=$!
	sleep 0.1
	kill -KILL $pid
	start=${EPOCHREALTIME/./}
	wait $pid 2>/dev/null
	took=$((${EPOCHREALTIME/./} - start))
	check "the writer is gone within a second ($took us)" test $took -lt 1000000
	sleep 0.5
	upper_has big
	check_equal "the upper holds nothing" "" "$(ls -A "$BASE/upper")"
	check_equal "no data stays in the work directory" 0 "$(find "$BASE/work" -type f -size +16 | wc -l)"
	try sc fd open:big:rw pwrite:0:x
	upper_has big
}
