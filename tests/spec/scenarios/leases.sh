# SPDX-License-Identifier: Apache-2.0
# title: who opens a file of a layer that somebody has a lease on waits until that is given up, and nobody else does
# labels: quick
# expect-diff: at-once:.(open|pread) no OPEN request exists, so who may not wait isn't told at the open

layers() {
	local i

	for i in read copied-up moved truncated data never at-once; do
		put l1/$i/f "lower $i"
	done
	for i in written appended synced unlinked emptied; do
		put upper/$i/f "upper $i"
	done
	put l1/other "other"
	put upper/mine "mine"
}

# held DIR r|w: somebody has a lease on the file f of a layer.
held() {
	"$SC" lease "$BASE/$1/f" $2 "$BASE/go" >"$BASE/lease.${1##*/}" &
	wait_until grep -q held "$BASE/lease.${1##*/}"
}

# waits DIR COMMAND...: it is asked to give the lease up, by a command in the directory whose output is in wait.DIR.
waits() {
	local dir=$1
	shift

	(cd "$dir" && exec "$@") >"$BASE/wait.$dir" 2>&1 &
	wait_until grep -q asked "$BASE/lease.$dir" && echo "$dir: asked" || echo "$dir: not asked"
}

# Of what has no name: the kernel has opened it already, so nobody gets a lease on it.
unlinked() {
	[ "$FS" = kernel ] || held upper/unlinked r
	exec 5<>unlinked/f
	rm unlinked/f
	echo UPPER >&5 && echo "unlinked: written"
	[ "$FS" = kernel ] || wait_until grep -q asked "$BASE/lease.unlinked" || echo "FAIL: unlinked: not asked"
	exec 5<&-
}

has_ended() {
	! kill -0 $1 2>/dev/null
}

scenario() {
	local dir pid

	for dir in read copied-up moved truncated data never at-once; do held l1/$dir w; done
	for dir in written appended synced emptied; do held upper/$dir r; done

	waits read cat f
	waits copied-up sh -c 'echo more >>f'
	waits moved sh -c 'mv f renamed && cat renamed'
	waits truncated truncate -s 5 f
	waits data "$SC" fd open:f:r open:copy:rw,creat use:0 copyto:1:0:0:100
	waits written "$SC" fd open:f:rw pwrite:0:UPPER
	waits appended sh -c 'echo more >>f'
	waits synced "$SC" fd open:f:rw mmap:rw:4096 store:0:UPPER msync
	waits emptied sh -c '>f'
	waits at-once "$SC" fd open:f:r,nonblock pread:0:5
	waits never cat f
	pid=$!

	# Meanwhile others go on, and who is killed ends.
	try cat other mine
	try ls
	put mine "changed"
	put other "changed"
	try stat_of '%n %s' never/f written/f
	kill -KILL $pid
	check "who is killed doesn't wait" wait_until has_ended $pid
	for dir in read copied-up moved truncated data written appended synced emptied; do
		! grep -E -v '^(open|use|mmap|store)' "$BASE/wait.$dir" || echo "$dir hasn't waited"
	done

	touch "$BASE/go"
	wait
	for dir in read copied-up moved truncated data written appended synced emptied at-once; do
		sed "s/^/$dir: /" "$BASE/wait.$dir"
	done
	try head -c 100 copied-up/f moved/renamed truncated/f data/copy written/f appended/f synced/f emptied/f
	try cat never/f
	unlinked
}
