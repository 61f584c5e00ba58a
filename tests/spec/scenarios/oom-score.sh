# SPDX-License-Identifier: Apache-2.0
# title: the daemon is the last to be killed for memory where it may ask for that, and where it may not nothing is said
# labels: quick
# needs: setpriv
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x content
}

score_of() { cat "/proc/$1/oom_score_adj"; }

may() { [ $((0x$(sed -n 's/^CapEff:\t//p' /proc/self/status) >> 24 & 1)) = 1 ]; }

scenario() {
	local b=$BASE expected rc=0

	expected=$(score_of self)
	! may || expected=-1000
	check "the mount" union "$b/merged" "lowerdir=$b/l1"
	check_equal "the daemon's score" "$expected" "$(score_of "$(cat "$b/merged.pid")")"
	check_equal "nothing is said" "" "$(cat "$b/merged.log")"
	check "and unmounted" union_umount "$b/merged"
	expected=$(score_of self)
	setpriv --bounding-set -sys_resource "$PLYFS" -o "lowerdir=$b/l1,pidfile=$b/merged.pid" "$b/merged" 2>"$b/merged.log" </dev/null || rc=$?
	check_equal "without CAP_SYS_RESOURCE" 0 "$rc"
	mount_minor "$b/merged" >>"$MINORS"
	check_equal "the daemon's score is its caller's" "$expected" "$(score_of "$(cat "$b/merged.pid")")"
	check_equal "nothing is said" "" "$(cat "$b/merged.log")"
	check "and unmounted" union_umount "$b/merged"
}
