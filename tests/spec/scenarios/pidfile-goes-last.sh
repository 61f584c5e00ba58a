# SPDX-License-Identifier: Apache-2.0
# title: who waits for the pid file to go finds the upper synced, its locks free and the log complete
# labels: quick
# plyfs-only: the daemon's life
# needs: strace flock
# not-mounted: yes

layers() {
	put l1/file 1
}

# goes: until the pid file does, looked for without a pause.
goes() {
	local end=$((SECONDS + 20))

	while [ -e "$BASE/merged.pid" ] && [ $SECONDS -lt $end ]; do :; done
	[ ! -e "$BASE/merged.pid" ]
}

# ends HOW INJECTION...: the union ends by that command, with these syncs.
ends() {
	local how=$1 pid

	shift
	# LeakSanitizer can't look while it is traced.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 check "$how: mounted" union "$BASE/merged" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,log=$BASE/log"
	echo 2 >merged/file
	pid=$(cat merged.pid)
	trace_daemon "$pid" -e trace=syncfs "$@"
	$how
	check "$how: the pid file goes" goes
	# what is looked at must not take longer than a daemon that is late would need
	flock -n upper flock -n work cp log log.then
	check_equal "$how: both locks are free" 0 $?
	check_equal "$how: the sync is over" 1 "$(grep -c '^[0-9 ]*syncfs(.*)' trace)"
	check "$how: and so is the daemon" wait_gone "$pid" 10
	trace_end
	check_equal "$how: the log was complete" "$(cat log)" "$(cat log.then)"
	rm -f merged.pid
}

by_umount() {
	umount "$BASE/merged"
}

by_signal() {
	kill -TERM "$(cat "$BASE/merged.pid")"
}

scenario() {
	local b=$BASE pid

	ends by_umount -e inject=syncfs:delay_enter=500000:error=EIO
	check "it tells of the sync" grep -q 'upper not synced' log.then
	ends by_signal -e inject=syncfs:delay_enter=500000

	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 check "mounted" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	pid=$(cat merged.pid)
	trace_daemon "$pid" -e trace=syncfs -e inject=syncfs:delay_enter=500000
	umount merged
	check "mounted again meanwhile" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	check "the first daemon has gone" wait_gone "$pid" 10
	trace_end
	check "the pid file has the second one's" runs "$(cat merged.pid)" "$PLYFS"
	check "unmounted" union_umount "$b/merged"
}
