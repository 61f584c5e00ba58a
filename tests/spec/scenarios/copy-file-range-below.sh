# SPDX-License-Identifier: Apache-2.0
# title: copy_file_range is passed to the layers' file system
# labels: quick
# plyfs-only: the daemon's system calls are watched
# needs: strace

layers() {
	fill l1/from 200000
	put upper/to "x"
}

scenario() {
	local pid

	strace -f -qq -e trace=copy_file_range,pwrite64,pwritev -o "$BASE/trace" -p "$(cat "$BASE/merged.pid")" 2>/dev/null &
	pid=$!
	sleep 0.5
	"$SC" fd open:from:r open:to:rw use:0 copyto:1:0:0:200000 >/dev/null
	sleep 0.3
	kill $pid
	wait $pid 2>/dev/null
	check "the daemon asked for it" grep -q copy_file_range "$BASE/trace"
	check "no data went through the daemon" sh -c "! grep pwrite $BASE/trace"
	check "the content is the same" cmp from to
	rm "$BASE/trace"
}
