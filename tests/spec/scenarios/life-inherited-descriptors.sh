# SPDX-License-Identifier: Apache-2.0
# title: what its caller left open isn't kept open by the daemon, and a descriptor that a path names is used
# labels: quick
# plyfs-only: the daemon's life
# needs: flock fusermount3
# not-mounted: yes

layers() {
	put l1/x content
}

# by CLAIM SCRIPT: mounts as a script does that must not run twice, with a lock on 9 and the layer on 8.
by() {
	local daemon

	check "$1: mounted by a script that holds a lock" timeout -k 1 15 bash -c '
		cd "$0" && exec 9>lock 8<l1 && flock -n 9 || exit
		mount() { "$PLYFS" -o "lowerdir=$1,pidfile=$b/pid${3:+,$3}" "${2:-$b/merged}"; }
		b=$0; '"$2" "$BASE"
	mount_minor "$BASE/merged" >>"$MINORS"
	check "$1: the lock went with the script" timeout 5 flock -n lock true
	check_equal "$1: is shown" content "$(timeout 5 cat merged/x)"
	daemon=$(cat pid)
	check "$1: unmounted" umount "$BASE/merged"
	check "$1: the daemon leaves" wait_gone "$daemon" 10
}

scenario() {
	local b=$BASE

	by "a path" 'mount "$b/l1" "" "upperdir=$b/upper,workdir=$b/work"'
	by "auto_unmount" 'mount "$b/l1" "" auto_unmount'
	by "/dev/fd" 'mount /dev/fd/8'
	by "/proc/self/fd" 'mount /proc/self/fd/8'
	by "its script's" 'mount "/proc/$$/fd/8"'
	by "a link to one" 'ln -s /proc/self/fd/8 link && mount "$b/link"'
	by "a number in /dev/fd" 'cd /dev/fd/ && mount 8'
	by "an upper" 'exec 7<upper && mount "$b/l1" "" "upperdir=/proc/self/fd/7,workdir=$b/work"'
	by "a mountpoint" 'exec 7<merged && mount "$b/l1" /proc/self/fd/7'
	by "a mountpoint in /dev/fd" 'exec 7<merged && mount "$b/l1" /dev/fd/7'
	by "many" 'for i in $(seq 300); do exec {n}<l1; done; mount "/dev/fd/$n"'
	by "a log" 'exec 7>log && mount "$b/l1" "" log=/dev/fd/7'
	check "has its end" test -f log

	check "a pipe ends when its writers have ended" timeout 10 bash -c '
		{ "$PLYFS" -o "lowerdir=$1/l1,pidfile=$1/merged.pid" "$1/merged" 7>&1 >/dev/null; } | cat' - "$b"
	mount_minor "$b/merged" >>"$MINORS"
	check "unmounted" union_umount "$b/merged"
	check "a pid for a pipe, which ends" timeout 10 bash -c '
		{ "$PLYFS" -o "lowerdir=$1/l1,pidfile=/dev/fd/3" "$1/merged" 3>&1 >/dev/null; } | cat >got' - "$b"
	mount_minor "$b/merged" >>"$MINORS"
	check "is the daemon's" pid_alive "$(cat got)"
	check "unmounted" umount "$b/merged"
	check "the daemon leaves" wait_gone "$(cat got)" 10
}
