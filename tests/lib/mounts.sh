# SPDX-License-Identifier: Apache-2.0
# Mounts for tests: a union by the kernel or by plyfs, and an unmount that waits until the daemon has really gone. Source
# it from bash. The caller sets PLYFS to the binary where it mounts that; nothing here leaves a mount namespace alone,
# so the caller enters a private one first (sandbox_run in sandbox.sh).

# What both sides are told, so that they promise the same: plain names, no index, no new redirects.
KERNEL_DEFAULTS=index=off,redirect_dir=off,metacopy=off,xino=off
PLYFS_DEFAULTS=index=off,redirect_dir=off

# is_mounted DIR: by the table, never by a stat that a dead daemon would hold up.
is_mounted() {
	local dir=$1 id parent dev root point rest

	while read -r id parent dev root point rest; do
		[ "$point" = "$dir" ] && return 0
	done </proc/self/mountinfo
	return 1
}

# mount_minor DIR: the minor number of the file system's device, the name of a FUSE connection.
mount_minor() {
	local dir=$1 id parent dev root point rest minor=

	while read -r id parent dev root point rest; do
		[ "$point" = "$dir" ] && minor=${dev#*:}
	done </proc/self/mountinfo
	echo "$minor"
}

# pid_alive PID: a zombie has left, unless it is the first of threads that haven't yet.
pid_alive() {
	local stat fields

	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	read -ra fields <<<"${stat##*) }"
	[ "${fields[0]}" != Z ] || [ "${fields[17]}" -gt 1 ]
}

# wait_gone PID SECONDS
wait_gone() {
	local tries=$(($2 * 50))

	while pid_alive "$1"; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.02
	done
}

# fuse_abort MINOR: cuts a hung daemon's connection, so that whoever waits for it goes on.
fuse_abort() {
	[ -n "$1" ] || return 0
	unshare -m sh -c 'mount -t fusectl fusectl /sys/fs/fuse/connections 2>/dev/null
		[ ! -e /sys/fs/fuse/connections/$1/abort ] || echo 1 >/sys/fs/fuse/connections/$1/abort' sh "$1"
}

# mount_kernel MOUNTPOINT OPTIONS. By mount(2): fsconfig(2), which newer libmounts prefer, takes no value of more than 255
# bytes, and the list of many layers is longer.
mount_kernel() {
	LIBMOUNT_FORCE_MOUNT2=always mount -t overlay overlay -o "$2" "$1"
}

# mount_plyfs MOUNTPOINT OPTIONS: the daemon's pid goes to MOUNTPOINT.pid, what it says to MOUNTPOINT.log.
mount_plyfs() {
	local point=$1 options=$2 rc=0

	"$PLYFS" -o "$options,pidfile=$point.pid" "$point" </dev/null 2>"$point.log" >&2 || rc=$?
	cat "$point.log" >&2
	[ $rc -eq 0 ] || return $rc
	is_mounted "$point" || { echo "plyfs returned 0 and nothing is mounted on $point" >&2; return 1; }
	[ -s "$point.pid" ] || { echo "plyfs wrote no pidfile $point.pid" >&2; return 1; }
}

# union_umount MOUNTPOINT: unmounts and waits for the daemon, which holds the layers open until its exit.
union_umount() {
	local point=$1 pid="" tries=100

	[ ! -s "$point.pid" ] || pid=$(cat "$point.pid")
	if [ -n "$pid" ] && ! pid_alive "$pid"; then
		echo "the daemon of $point had gone before the unmount" >&2
		umount "$point"
		return 1
	fi
	while ! umount "$point" 2>"$point.err"; do
		[ $((tries -= 1)) -gt 0 ] || { cat "$point.err" >&2; return 1; }
		sleep 0.05
	done
	rm -f "$point.err"
	[ -z "$pid" ] || wait_gone "$pid" 20 || { echo "the daemon of $point stays after the unmount" >&2; return 1; }
	rm -f "$point.pid" "$point.log"
}

# fuse_for_all DIR: in this mount namespace everybody may open /dev/fuse, which is root's alone on some machines. DIR is made for it.
fuse_for_all() {
	[ "$(stat -c %a /dev/fuse)" = 666 ] && return
	mkdir "$1" && mount -t tmpfs -o mode=755 tmpfs "$1" && mknod -m 666 "$1/fuse" c 10 229 && mount --bind "$1/fuse" /dev/fuse
}
