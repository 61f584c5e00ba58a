# SPDX-License-Identifier: Apache-2.0
# A private mount and process namespace with a time limit: whatever a test mounts or starts goes with it, also when it
# hangs. Source it from bash, after mounts.sh.

# sandbox_run SECONDS MINORFILE COMMAND...: 124 when the time was up. The command writes the minor of each FUSE mount that it
# makes to MINORFILE, one a line: a connection that hangs is cut, because a process that waits for it can't be killed.
sandbox_run() {
	local limit=$1 minors=$2 pid rc=0 minor started=$SECONDS
	shift 2

	unshare --mount --pid --fork --kill-child --mount-proc -- "$@" </dev/null &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		if [ $((SECONDS - started)) -ge "$limit" ]; then
			[ ! -s "$minors" ] || while read -r minor; do fuse_abort "$minor"; done <"$minors"
			kill -KILL $pid 2>/dev/null || true
			wait $pid 2>/dev/null || true
			return 124
		fi
		sleep 0.05
	done
	wait $pid || rc=$?
	return $rc
}
