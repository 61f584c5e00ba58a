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

# listings COMMAND...: the daemon's calls that list a directory meanwhile
listings() {
	trace_daemon "$(cat "$BASE/merged.pid")" -e trace=getdents64
	"$@" >/dev/null 2>&1
	trace_end
	grep getdents64 "$BASE/trace"
}

scenario() {
	check_equal "nothing is listed" "" "$(listings stat dir dir/17 dir/missing)"
	check "the trace sees a listing" [ -n "$(listings "$SC" list dir)" ]
}
