# SPDX-License-Identifier: Apache-2.0
# title: fsync of a file and of a directory sync the upper's file and directory
# labels: quick
# plyfs-only: the daemon's system calls are watched
# needs: strace

layers() {
	put upper/file "content"
	put upper/dir/x 1
}

# synced COMMAND...: how many syncs the daemon makes meanwhile
synced() {
	trace_daemon "$(cat "$BASE/merged.pid")" -e trace=fsync,fdatasync
	"$@" >/dev/null
	trace_end
	grep -c -E 'sync\([0-9]+\)? ' "$BASE/trace"
}

scenario() {
	check "fsync of a file" test "$(synced "$SC" fd open:file:rw write:x fsync)" -ge 1
	check "fdatasync of a file" test "$(synced "$SC" fd open:file:rw write:y fdatasync)" -ge 1
	check "fsync of a directory" test "$(synced "$SC" fd open:dir:r fsync)" -ge 1
	check_equal "reading syncs nothing" 0 "$(synced cat file)"
}
