# SPDX-License-Identifier: Apache-2.0
# title: SIGTERM and SIGINT unmount and end the daemon, and -f stays in the foreground
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x content
}

scenario() {
	local b=$BASE sig pid rc

	for sig in TERM INT HUP; do
		"$PLYFS" -f -o "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work" "$b/merged" </dev/null >/dev/null 2>&1 &
		pid=$!
		wait_until is_mounted "$b/merged"
		mount_minor "$b/merged" >>"$MINORS"
		check "live in the foreground" sh -c "echo $sig >>$b/merged/x"
		kill -USR1 $pid
		check "SIGUSR1 harms nothing" cat "$b/merged/x"
		kill -$sig $pid
		check "SIG$sig ends it" wait_gone $pid 10
		rc=0
		wait $pid || rc=$?
		[ $sig = HUP ] || check_equal "SIG$sig: status" 0 $rc
		check "SIG$sig: unmounted" sh -c "! grep -q ' $b/merged ' /proc/self/mountinfo"
		! is_mounted "$b/merged" || umount -l "$b/merged"
	done
	check_equal "what was written is there" "content TERM INT HUP " "$(tr '\n' ' ' <upper/x)"
}
