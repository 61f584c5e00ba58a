# SPDX-License-Identifier: Apache-2.0
# title: a daemon that is to end and is stopped and goes on meanwhile still gives its users the rest of their three seconds
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x content
}

scenario() {
	local b=$BASE pid user rc

	"$PLYFS" -f -o "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work" "$b/merged" </dev/null >/dev/null 2>said &
	pid=$!
	wait_until is_mounted "$b/merged"
	mount_minor "$b/merged" >>"$MINORS"
	(cd merged && sleep 1.5 && echo more >>x) &
	user=$!
	sleep 0.3
	kill -TERM $pid
	sleep 0.3
	kill -STOP $pid
	sleep 0.2
	kill -CONT $pid
	rc=0
	wait $user || rc=$?
	check_equal "who is in there writes" 0 $rc
	check "then it ends" wait_gone $pid 10
	check_equal "it cut nobody off" "" "$(grep "still in use" said)"
	check_equal "what was written is there" "content more" "$(echo $(cat upper/x))"
}
