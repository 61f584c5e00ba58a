# SPDX-License-Identifier: Apache-2.0
# title: the control socket of a mount in a user namespace serves its user and root of the machine, and nobody who has no number there
# labels: quick
# plyfs-only: the daemon's life
# needs: setpriv
# not-mounted: yes

layers() {
	put l1/file content
}

# by USER: the answer to a client who is that user of the machine
by() {
	setpriv --reuid="$1" --regid="$1" --clear-groups "$SC" control "$SOCKET" 'ask:{"op":"status"}' | tail -n 1
}

# In a user namespace that has one user, and so neither root of the machine nor anybody else.
mounts_there() {
	. "$1/mounts.sh"
	mount_plyfs "$1/merged" "lowerdir=$1/l1" && stat -c %Hd:%Ld "$1/merged" >"$1/ours/device" || return
	until [ -e "$1/go" ]; do sleep 0.05; done
	union_umount "$1/merged"
}

scenario() {
	local b=$BASE inside SOCKET

	# The source may lie where other users can't look.
	cp "$(dirname "$(readlink -f "$0")")/../lib/mounts.sh" "$SC" "$PLYFS" .
	export XDG_RUNTIME_DIR=$b/ours PLYFS=$b/plyfs
	SC=$b/sc
	chmod 755 "$b" sc plyfs
	fuse_for_all dev
	install -d -m 700 -o 12345 -g 12345 ours
	chown 12345:12345 .
	export -f mounts_there
	setpriv --reuid=12345 --regid=12345 --clear-groups unshare -Urm --propagation private bash -c 'mounts_there "$1"' - "$b" &
	inside=$!
	check "mounted in a user namespace" wait_until [ -s ours/device ]
	SOCKET=$b/ours/plyfs/$(cat ours/device)
	check_equal "the mode" 600 "$(stat -c %a "$SOCKET")"
	check "its user is served" grep -q '"ok":true' <<<"$(by 12345)"
	check "so is root" grep -q '"ok":true' <<<"$(by 0)"
	chmod 755 ours ours/plyfs
	check_equal "another user can't connect" EACCES "$(by 23456)"
	chmod 666 "$SOCKET"
	check_equal "nor is he served where he can" '{"ok":false,"error":"the mount is another user'"'"'s"}' "$(by 23456)"
	check "its user is" grep -q '"ok":true' <<<"$(by 12345)"
	chmod 600 "$SOCKET"
	check "root is served again" grep -q '"ok":true' <<<"$(by 0)"
	touch go
	wait $inside
	check_equal "and unmounted" 0 $?
}
