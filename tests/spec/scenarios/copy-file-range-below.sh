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
	trace_daemon "$(cat "$BASE/merged.pid")" -e trace=copy_file_range,pwrite64,pwritev
	"$SC" fd open:from:r open:to:rw use:0 copyto:1:0:0:200000 >/dev/null
	trace_end
	check "the daemon asked for it" grep -q copy_file_range "$BASE/trace"
	check "no data went through the daemon" sh -c "! grep pwrite $BASE/trace"
	check "the content is the same" cmp from to
}
