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
	local pid

	strace -f -qq -e trace=fsync,fdatasync -o "$BASE/trace" -p "$(cat "$BASE/merged.pid")" 2>/dev/null &
	pid=$!
	sleep 0.5
	"$@" >/dev/null
	sleep 0.3
	kill $pid
	wait $pid 2>/dev/null
	grep -c -E 'sync\([0-9]+\)? ' "$BASE/trace"
}

scenario() {
	check "fsync of a file" test "$(synced "$SC" fd open:file:rw write:x fsync)" -ge 1
	check "fdatasync of a file" test "$(synced "$SC" fd open:file:rw write:y fdatasync)" -ge 1
	check "fsync of a directory" test "$(synced "$SC" fd open:dir:r fsync)" -ge 1
	check_equal "reading syncs nothing" 0 "$(synced cat file)"
	rm "$BASE/trace"
}
