# SPDX-License-Identifier: Apache-2.0
# title: changes take the system calls that DESIGN.md counts, and no more; asking untouched files for attributes takes none
# plyfs-only: about plyfs's daemon
# needs: strace unlink
# variants: newfuse
# not-mounted: yes

N=50

layers() {
	local i

	mkdir -p l1/low l2/low m
	for i in $(seq $N); do
		head -c 4096 /dev/zero >l1/low/gone"$i"
		head -c 4096 /dev/zero >l1/low/mode"$i"
		head -c 4096 /dev/zero >l1/low/data"$i"
	done
}

# calls COMMAND...: how many system calls the daemon makes for a change that is done N times, but for those of the request loop and of the
# allocator. What comes once, or now and then, is less than half a call.
calls() {
	trace_daemon "$(cat "$BASE/m.pid")"
	"$@"
	trace_end
	grep -E '^[0-9]+ +[a-z_0-9]+\(' "$BASE/trace" |
		grep -cvE '^[0-9]+ +(futex|read|writev|timerfd_settime|rt_sigtimedwait|restart_syscall|mprotect|madvise|munmap|mmap|brk)\(' |
		awk -v n=$N '{ print int($1 / n + 0.5) }'
}

# one CALL: how often the last traced change made this call, for one time that it was done.
one() {
	grep -cE "^[0-9]+ +$1\(" "$BASE/trace" | awk -v n=$N '{ print int($1 / n + 0.5) }'
}

# at_most CALLS CHANGE
at_most() {
	local n

	n=$(calls "$2")
	check "$2: $1 calls at the most" [ "$n" -gt 0 -a "$n" -le "$1" ] || echo "$n calls" >&2
}

creates() { local i; for i in $(seq $N); do : >m/dir/f"$i"; done; }
mkdirs() { local i; for i in $(seq $N); do mkdir m/dir/d"$i"; done; }
renames() { local i; for i in $(seq $N); do mv -T m/dir/f"$i" m/dir/r"$i"; done; }
unlinks() { local i; for i in $(seq $N); do unlink m/dir/r"$i"; done; }
whiteouts() { local i; for i in $(seq $N); do unlink m/low/gone"$i"; done; }
chmods() { local i; for i in $(seq $N); do chmod 600 m/low/mode"$i"; done; }
appends() { local i; for i in $(seq $N); do echo x >>m/low/data"$i"; done; }

xattrs() { getfattr -h -d -m - m/low/mode*; getfattr -h -n user.none m/low/mode*; } >/dev/null 2>&1

scenario() {
	mount_plyfs "$BASE/m" "lowerdir=l1:l2,upperdir=upper,workdir=work,volatile" || { echo "FAIL: mount"; return; }
	mkdir m/dir
	: >m/dir/first
	cat m/dir/first
	echo 1 >m/low/first
	ls -l m/low >/dev/null
	calls xattrs >xattr-calls
	check "each untouched file is asked for its attributes" [ "$(one writev)" -ge 2 ]
	check "that it has none is known" [ "$(cat xattr-calls)" -le 2 ]
	check "and takes no call on the layer" [ "$(one 'f?l?(get|list)xattr(at)?|statx|openat2?')" = 0 ]
	at_most 8 creates
	at_most 8 mkdirs
	at_most 8 renames
	at_most 7 unlinks
	at_most 6 whiteouts
	check "a whiteout is one link" [ "$(one linkat) $(one mknodat)" = "1 0" ]
	at_most 26 chmods
	check "a small file is copied in one piece" [ "$(one pread64) $(one pwrite64)" = "1 1" ]
	check "nothing else is tried on its data" [ "$(one copy_file_range) $(one lseek) $(one ftruncate)" = "0 0 0" ]
	at_most 24 appends
	union_umount "$BASE/m"
}
