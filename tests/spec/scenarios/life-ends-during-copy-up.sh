# SPDX-License-Identifier: Apache-2.0
# title: SIGTERM and a lazy unmount during a big copy-up answer the writer, end the daemon and leave the work directory empty
# plyfs-only: the daemon's life
# not-mounted: yes
# fs: tmpfs

layers() {
	fill l1/big 500M
}

ends() {
	local how=$1 pid writer rc=0
	shift
	union "$BASE/merged" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work"
	pid=$(cat merged.pid)
	timeout -k 1 30 sh -c 'echo more >>merged/big' 2>/dev/null &
	writer=$!
	sleep 0.05
	"$@" "$pid"
	wait $writer || rc=$?
	check "$how: the writer was answered" test $rc -ne 124
	check "$how: the daemon ends" wait_gone "$pid" 15
	check "$how: nothing is mounted" sh -c "! grep -q ' $BASE/merged ' /proc/self/mountinfo"
	# All of it or nothing, and what was acknowledged is there.
	if [ $rc -eq 0 ]; then
		check_equal "$how: size" 524288005 "$(stat -c %s upper/big)"
	else
		check "$how: nothing in the upper" test ! -e upper/big -o "$(stat -c %s upper/big 2>/dev/null)" = 524288000
		echo "ok: $how: size"
	fi
	check_equal "$how: work directory" "" "$(find work -mindepth 2)"
	rm -f upper/big
}

scenario() {
	ends SIGTERM kill -TERM
	ends "lazy unmount" sh -c 'umount -l merged' sh
}
