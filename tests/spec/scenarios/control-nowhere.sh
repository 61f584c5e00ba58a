# SPDX-License-Identifier: Apache-2.0
# title: the control socket is in /run/plyfs or the user's own directory, and without either the mount works all the same
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x content
}

# works NAME OPTIONS [WORDS]: the mount does, and says no more than that on stderr.
works() {
	local b=$BASE

	check "$1: mounted" mount_plyfs "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,log=$b/log${2:+,$2}"
	mount_minor "$b/merged" >>"$MINORS"
	check_equal "$1: what is said" "${3:-}" "$(cat merged.log)"
	check_equal "$1: works" content "$(cat merged/x)"
}

ends() {
	check "$1: unmounted" union_umount "$BASE/merged"
}

# in_new_run OPTIONS: a /run of our own
in_new_run() {
	mount -t tmpfs -o "mode=755,$1" run /run
}

as_root() {
	local b=$BASE

	in_new_run rw
	works "no directory yet" ""
	check_equal "the directory" "700 0" "$(stat -c '%a %u' /run/plyfs)"
	check "the socket" test -S "/run/plyfs/$(stat -c %Hd:%Ld merged)"
	ends "no directory yet"
	check_equal "it is gone" "" "$(ls /run/plyfs)"

	mkdir "$b/elsewhere"
	rmdir /run/plyfs
	ln -s "$b/elsewhere" /run/plyfs
	works "a symbolic link" ""
	ends "a symbolic link"
	rm /run/plyfs
	install -d -o 12345 -m 700 /run/plyfs
	works "another user's" ""
	ends "another user's"
	rmdir /run/plyfs
	install -d -m 777 /run/plyfs
	works "one for all" ""
	check_equal "nothing is put there" "" "$(ls "$b/elsewhere" /run/plyfs | grep ^[0-9])"
	ends "one for all"
	rmdir /run/plyfs
	put /run/plyfs "a file"
	works "a file" ""
	ends "a file"
	rm /run/plyfs
	works "off" control_socket=off
	ends "off"
	check_equal "off makes nothing" "" "$(ls /run | grep plyfs)"
	XDG_RUNTIME_DIR=$b/elsewhere works "root with another one's environment" ""
	check_equal "it isn't used" "/run/plyfs" "$(ls -d /run/plyfs "$b"/elsewhere/* 2>/dev/null)"
	ends "root with another one's environment"

	mount -o remount,ro /run
	works "read-only" ""
	ends "read-only"
	umount /run
	check_equal "so far nothing is worth a line in the log" "" "$(grep -a control log)"

	works "a directory that isn't there" "control_socket=$b/none" "plyfs: control_socket: $b/none: No such file or directory"
	ends "a directory that isn't there"
}

below_the_mountpoint() {
	local b=$BASE

	mkdir -p "$b/run/plyfs"
	chmod 700 "$b/run/plyfs"
	check "mounted over the directory" mount_plyfs "$b/run" "lowerdir=$b/l1,control_socket=$b/run/plyfs"
	mount_minor "$b/run" >>"$MINORS"
	check_equal "it works" content "$(cat run/x)"
	check "unmounted" union_umount "$b/run"
	check_equal "and nothing was put below" "" "$(ls -A run/plyfs)"
}

# In a user namespace, with and without a directory of the user's.
rootless() {
	local b=$BASE

	install -d -m 700 "$b/mine"
	check "in a user namespace" unshare -Urm --propagation private bash -c '
		. "$1" && cd "$2" && mkdir -p nupper nwork nmerged || exit
		mount -t tmpfs base nupper && mkdir nupper/upper nupper/work &&
		export XDG_RUNTIME_DIR=$2/mine && mount_plyfs "$2/nmerged" "lowerdir=$2/l1,upperdir=$2/nupper/upper,workdir=$2/nupper/work" &&
		[ -S "mine/plyfs/$(stat -c %Hd:%Ld nmerged)" ] &&
		"$SC" control "mine/plyfs/$(stat -c %Hd:%Ld nmerged)" "ask:{\"op\":\"status\"}" | grep -q "\"ok\":true.*\"frozen\":false" &&
		cat nmerged/x && union_umount "$2/nmerged" && [ -z "$(ls mine/plyfs)" ] || exit
		export XDG_RUNTIME_DIR=/nowhere
		mount_plyfs "$2/nmerged" "lowerdir=$2/l1,upperdir=$2/nupper/upper,workdir=$2/nupper/work" && cat nmerged/x &&
		union_umount "$2/nmerged"' - "$MOUNTS" "$b"
}

scenario() {
	MOUNTS=$(dirname "$(readlink -f "$0")")/../lib/mounts.sh
	as_root
	below_the_mountpoint
	rootless
}
