# SPDX-License-Identifier: Apache-2.0
# A private mount and process namespace with a time limit: whatever a test mounts or starts goes with it, also when it
# hangs, and also when the caller is killed: the kernel then kills the first process of the namespace. Source it from bash,
# after mounts.sh.

# sandbox_run SECONDS MINORFILE COMMAND...: 124 when the time was up; what each thread waited for then is printed. The command writes the minor of each FUSE mount that it
# makes to MINORFILE, one a line: a connection that hangs is cut, because a process that waits for it can't be killed.
sandbox_run() {
	local limit=$1 rc=0 started=$SECONDS
	sandbox_minors=$2
	shift 2

	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc -- "$@" </dev/null &
	sandbox_pid=$!
	while kill -0 "$sandbox_pid" 2>/dev/null; do
		if [ $((SECONDS - started)) -ge "$limit" ]; then
			# A command line is in memory, which may be what the process waits for.
			timeout -s KILL 10 bash -c "$(declare -f sandbox_processes sandbox_tell); sandbox_pid=$sandbox_pid sandbox_tell" || true
			sandbox_end
			return 124
		fi
		sleep 0.05
	done
	wait "$sandbox_pid" || rc=$?
	sandbox_pid=
	return $rc
}

# sandbox_processes: the numbers of all that run in there.
sandbox_processes() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v top="$sandbox_pid" '
		{ pid = $1; sub(/.*\) /, ""); parent[pid] = $2 }
		END {
			for (pid in parent)
				for (p = pid; p in parent; p = parent[p])
					if (p == top) { print pid; break }
		}'
}

# sandbox_tell: the command lines, and of each thread its state and the innermost functions of the kernel.
sandbox_tell() {
	local process thread state stack

	for process in $(sandbox_processes | sort -n); do
		echo "hangs: $process: $(tr '\0\n' '  ' <"/proc/$process/cmdline" 2>/dev/null | cut -c 1-160)"
		for thread in /proc/"$process"/task/*; do
			state=$(sed -n 's/^State:[[:space:]]*//p' "$thread/status" 2>/dev/null)
			stack=$(sed 's/^[^ ]* //; s/+.*//' "$thread/stack" 2>/dev/null | head -n 4 | tr '\n' ' ')
			echo "hangs:   ${thread##*/} $(cat "$thread/comm" 2>/dev/null) $state: $stack"
		done
	done
}

# sandbox_fuse_minors: of the FUSE mounts that the processes of the sandbox see, the nested namespaces' too.
sandbox_fuse_minors() {
	local process

	sandbox_processes | while read -r process; do
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
