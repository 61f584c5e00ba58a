# SPDX-License-Identifier: Apache-2.0
# title: who clears left over control sockets holds up no other daemon
# labels: quick
# plyfs-only: the daemon's life
# needs: strace
# not-mounted: yes

layers() {
	put l1/file content
	mkdir control
	chmod 700 control
}

# sockets_left: of daemons that have gone
sockets_left() {
	ls control | grep -c '^4095:'
}

all_cleared() {
	[ "$(sockets_left)" = 0 ]
}

# most_removed: in the trace, the most names that were removed during one hold of the lock, and how many in all
most_removed() {
	awk '/flock\([0-9]+<[^>]*\/control>, LOCK_EX/ { held = 1; n = 0 }
		/flock\([0-9]+<[^>]*\/control>, LOCK_UN/ { held = 0 }
		/unlinkat\(.*"4095:/ { all++; if (!held) unlocked = 1; if (++n > most) most = n }
		END { print most + 0, all + 0, unlocked ? "without the lock" : "" }' trace
}

scenario() {
	local b=$BASE i REAL=$PLYFS

	for i in $(seq 30); do "$SC" bind "control/4095:$i"; done
	check_equal "so many are left" 30 "$(sockets_left)"
	plyfs_under_strace -D -f -y -e trace=flock,unlinkat
	PLYFS=$b/traced mount_plyfs "$b/merged" "lowerdir=$b/l1,control_socket=$b/control"
	mount_minor "$b/merged" >>"$MINORS"
	check "they are cleared" wait_until all_cleared
	check "unmounted" union_umount "$b/merged"
	check_equal "one at a time, each under the lock" "1 30 " "$(most_removed)"
}
