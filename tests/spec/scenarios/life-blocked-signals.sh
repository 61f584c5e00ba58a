# SPDX-License-Identifier: Apache-2.0
# title: a caller that blocks and ignores signals changes nothing about how the daemon takes them
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x content
}

scenario() {
	local b=$BASE sig pid holder rc

	for sig in TERM INT HUP; do
		check "mounted with signals blocked and ignored ($sig)" env --block-signal --ignore-signal=TERM --ignore-signal=HUP --ignore-signal=CHLD \
			timeout -k 1 15 "$PLYFS" -o "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,pidfile=$b/pid" "$b/merged"
		mount_minor "$b/merged" >>"$MINORS"
		pid=$(cat pid)
		sleep 60 3>>"$b/merged/x" &
		holder=$!
		check "SIGUSR1 harms nothing" kill -USR1 "$pid"
		check "SIG$sig" kill "-$sig" "$pid"
		check "it ends though somebody stays" wait_gone "$pid" 10
		kill $holder
		wait $holder 2>/dev/null || :
		! is_mounted "$b/merged" || umount -l "$b/merged"
	done
	rc=0
	env --ignore-signal=CHLD "$PLYFS" -o "lowerdir=$b/l1,max_read=1,upperdir=$b/upper,workdir=$b/work" /dev/fd/77 2>said || rc=$?
	check_equal "a mount that fails in the background: status" 1 $rc
}
