# SPDX-License-Identifier: Apache-2.0
# title: what its caller left open isn't kept open by the daemon, but a descriptor that a path names is used
# labels: quick
# plyfs-only: the daemon's life
# needs: flock
# not-mounted: yes

layers() {
	put l1/x content
}

scenario() {
	local b=$BASE

	# as a script does that must not run twice
	check "mounted by a script that holds a lock" bash -c '
		exec 9>"$1/lock"
		flock -n 9
		"$PLYFS" -o "lowerdir=$1/l1,upperdir=$1/upper,workdir=$1/work,pidfile=$1/pid" "$1/merged"' - "$b"
	mount_minor "$b/merged" >>"$MINORS"
	check "the lock went with the script" flock -n lock true
	check "unmounted" union_umount "$b/merged"
	check "a pipe ends when its writers have ended" timeout 10 bash -c '
		{ "$PLYFS" -o "lowerdir=$1/l1,pidfile=$1/pid" "$1/merged" 7>&1 >/dev/null; } | cat' - "$b"
	mount_minor "$b/merged" >>"$MINORS"
	check "unmounted" union_umount "$b/merged"
	check "a layer by its descriptor" bash -c 'exec 8<"$1/l1" && "$PLYFS" -o "lowerdir=/dev/fd/8,pidfile=$1/pid" "$1/merged"' - "$b"
	mount_minor "$b/merged" >>"$MINORS"
	check "is shown" grep -q content merged/x
	check "unmounted" union_umount "$b/merged"
}
