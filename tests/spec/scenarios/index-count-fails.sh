# SPDX-License-Identifier: Apache-2.0
# title: a count of names that can't be written keeps no name out of the upper
# labels: quick
# plyfs-only: errors are put into the daemon's own system calls
# needs: strace
# options: index=on

layers() {
	put l1/a content
	ln l1/a l1/b
	ln l1/a l1/c
	ln l1/a l1/d
}

# failing CALLS COMMAND...: try, while those of the daemon's system calls fail
failing() {
	local calls=$1

	shift
	trace_daemon "$(cat "$BASE/merged.pid")" -e trace="$calls" -e inject="$calls:error=EIO"
	try "$@"
	trace_end
}

scenario() {
	ls -l >"$BASE/trace"
	# Names that go before there is a copy are counted in the work directory; with the copy that is done with.
	try rm d
	failing unlinkat sh -c 'echo more >>a'
	check_equal "the upper has a name of it" 1 "$(find "$BASE/upper" -type f | wc -l)"
	try cat a b
	stat_of '%n %h' a b c
	try rm a b c
	try ls
	rm "$BASE/trace"
}
