# SPDX-License-Identifier: Apache-2.0
# A private mount and process namespace with a time limit: whatever a test mounts or starts goes with it, also when it
# hangs, and also when the caller is killed: the kernel then kills the first process of the namespace. Source it from bash,
# after mounts.sh.

# sandbox_run SECONDS MINORFILE COMMAND...: 124 when the time was up. The command writes the minor of each FUSE mount that it
# makes to MINORFILE, one a line: a connection that hangs is cut, because a process that waits for it can't be killed.
sandbox_run() {
	local limit=$1 rc=0 started=$SECONDS
	sandbox_minors=$2
	shift 2

	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc -- "$@" </dev/null &
	sandbox_pid=$!
	while kill -0 "$sandbox_pid" 2>/dev/null; do
		if [ $((SECONDS - started)) -ge "$limit" ]; then
			sandbox_end
			return 124
		fi
		sleep 0.05
	done
	wait "$sandbox_pid" || rc=$?
	sandbox_pid=
	return $rc
}

# sandbox_fuse_minors: of the FUSE mounts that the processes of the sandbox see, the nested namespaces' too.
sandbox_fuse_minors() {
	local process

	cat /proc/[0-9]*/stat 2>/dev/null | awk -v top="$sandbox_pid" '
		{ pid = $1; sub(/.*\) /, ""); parent[pid] = $2 }
		END {
			for (pid in parent)
				for (p = pid; p in parent; p = parent[p])
					if (p == top) { print pid; break }
		}' | while read -r process; do
		sed -n 's/^[0-9]* [0-9]* [0-9]*:\([0-9]*\) .* - fuse[^ ]* .*/\1/p' "/proc/$process/mountinfo" 2>/dev/null
	done | sort -u
}

# sandbox_end: ends what sandbox_run started, if it still runs; for traps. Whoever removes the sandbox's directories does this first: removing a
# mountpoint takes the mount from every namespace. The number of a mount that has gone may be another test's by now, so only those
# are cut that the sandbox still sees.
sandbox_end() {
	local minor

	[ -n "${sandbox_pid:-}" ] || return 0
	[ ! -s "$sandbox_minors" ] || while read -r minor; do fuse_abort "$minor"; done \
		< <(grep -x -F -f <(sandbox_fuse_minors) "$sandbox_minors" | sort -u)
	kill -KILL "$sandbox_pid" 2>/dev/null || true
	wait "$sandbox_pid" 2>/dev/null || true
	sandbox_pid=
}
