# SPDX-License-Identifier: Apache-2.0
# title: a file is created and opened by one request
# labels: quick
# plyfs-only: the daemon's requests are watched
# needs: strace

layers() {
	mkdir l1/dir
}

scenario() {
	local pid

	strace -f -qq -xx -s 8 -e trace=read,readv -o "$BASE/trace" -p "$(cat "$BASE/merged.pid")" 2>/dev/null &
	pid=$!
	sleep 0.5
	"$SC" fd open:dir/file:rw,creat,excl write:x >/dev/null
	sleep 0.3
	kill $pid
	wait $pid 2>/dev/null
	# a request's second word is its number: 35 is CREATE, 8 is MKNOD
	check "a CREATE came" grep -q -F '\x23\x00\x00\x00"' "$BASE/trace"
	check_equal "no MKNOD came" 0 "$(grep -c -F '\x08\x00\x00\x00"' "$BASE/trace")"
	check_equal "content" x "$(cat dir/file)"
	rm "$BASE/trace"
}
