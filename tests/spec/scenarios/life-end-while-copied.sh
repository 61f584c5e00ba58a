# SPDX-License-Identifier: Apache-2.0
# title: a daemon that is ended while files are copied up says nothing on a descriptor that it has closed
# labels: quick
# plyfs-only: the daemon's life
# needs: strace
# not-mounted: yes

# Without an index the kernel has to be told of the broken link.
layers() {
	mkdir -p l1/dir upper/dir
	fill l1/dir/a-1 30000000
	ln l1/dir/a-1 l1/dir/a-2
}

scenario() {
	local daemon user

	# LeakSanitizer can't look while it is traced.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 mount_plyfs "$BASE/merged" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,index=off" || return
	mount_minor "$BASE/merged" >>"$MINORS"
	daemon=$(cat merged.pid)
	# Who is in there keeps it until he is cut off, 3 s after the signal. Each answer, and each thing that the kernel is told, takes a second
	# more: there are two before the copy-up.
	(cd merged/dir && stat a-1 >/dev/null && cat a-2 >/dev/null && echo more >>other && sleep 1 && echo more >>a-1) 2>/dev/null &
	user=$!
	sleep 0.4
	trace_daemon "$daemon" -e trace=writev -e signal=none -e inject=writev:delay_enter=1000000
	kill -TERM "$daemon"
	check "the daemon leaves" wait_gone "$daemon" 30
	wait "$TRACER" "$user"
	check "the kernel was told" grep -q 'writev(.*= 40' trace
	check_equal "all of it" "" "$(grep EBADF trace)"
}
