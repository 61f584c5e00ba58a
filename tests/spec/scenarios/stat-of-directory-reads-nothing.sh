# SPDX-License-Identifier: Apache-2.0
# title: stat of a large directory doesn't list it
# labels: quick
# plyfs-only: the daemon's system calls are counted
# needs: strace

layers() {
	mkdir -p l1/dir l2/dir
	(cd l1/dir && seq 3000 | xargs touch)
	(cd l2/dir && seq 3001 6000 | xargs touch)
}

scenario() {
	local pid

	strace -f -qq -e trace=getdents64 -o "$BASE/trace" -p "$(cat "$BASE/merged.pid")" 2>/dev/null &
	pid=$!
	sleep 0.5
	stat dir >/dev/null
	stat dir/17 >/dev/null
	stat dir/missing 2>/dev/null
	sleep 0.2
	check_equal "nothing was listed" "" "$(grep getdents64 "$BASE/trace")"
	"$SC" list dir >/dev/null
	sleep 0.2
	check "the trace sees a listing" grep -q getdents64 "$BASE/trace"
	kill $pid
	wait $pid 2>/dev/null
	rm "$BASE/trace"
}
