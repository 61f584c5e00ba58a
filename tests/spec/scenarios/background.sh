# SPDX-License-Identifier: Apache-2.0
# title: the call returns when the mount is live and lets go of its caller's output
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x content
	mkdir l1/merged
}

scenario() {
	local b=$BASE said

	said=$(timeout 10 sh -c '"$PLYFS" -o "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,pidfile=$BASE/merged.pid" overlay "$BASE/merged" 2>&1 | cat; cat "$BASE/merged/x"')
	mount_minor "$b/merged" >>"$MINORS"
	check_equal "its output ends and the mount is live" "content" "$said"
	check_equal "the type" "fuse.plyfs" "$(grep " $b/merged " /proc/self/mountinfo | sed 's/.* - \([^ ]*\) .*/\1/')"
	check_equal "statfs tells FUSE" 65735546 "$(stat -f -c %t "$b/merged")"
	check_equal "the working directory is the root" / "$(readlink "/proc/$(cat "$b/merged.pid")/cwd")"
	check "and unmounted" union_umount "$b/merged"
	check_equal "the pidfile is gone or empty" "" "$(cat "$b/merged.pid" 2>/dev/null)"
}
