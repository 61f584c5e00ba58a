# SPDX-License-Identifier: Apache-2.0
# title: a file is created and opened by one request
# labels: quick
# plyfs-only: the daemon's requests are watched
# needs: strace

layers() {
	mkdir l1/dir
}

scenario() {
	trace_daemon "$(cat "$BASE/merged.pid")" -xx -s 8 -e trace=read,readv
	"$SC" fd open:dir/file:rw,creat,excl write:x >/dev/null
	trace_end
	# a request's second word is its number: 35 is CREATE, 8 is MKNOD
	check "a CREATE came" grep -q -F '\x23\x00\x00\x00"' "$BASE/trace"
	check_equal "no MKNOD came" 0 "$(grep -c -F '\x08\x00\x00\x00"' "$BASE/trace")"
	check_equal "content" x "$(cat dir/file)"
}
