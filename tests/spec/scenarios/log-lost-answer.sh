# SPDX-License-Identifier: Apache-2.0
# title: an answer that can't be written is told in the log
# labels: quick
# plyfs-only: the daemon's log
# needs: strace
# not-mounted: yes

layers() {
	put l1/file lower
	mkdir control
}

scenario() {
	local pid asker

	mount -t fusectl control control 2>/dev/null || unsupported "the kernel's list of FUSE connections can't be had"
	check "mounted" union "$BASE/merged" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,log=$BASE/log"
	pid=$(cat merged.pid)
	trace_daemon "$pid" -e trace=writev -e inject=writev:error=EIO
	stat merged/file >/dev/null 2>&1 &
	asker=$!
	check "it is told" wait_until grep -q "error: $BASE/merged: an answer can't be written, and whoever asked waits on: Input/output error" log
	# A process that is traced at its end can't be searched for leaks.
	trace_end
	# Whoever asked won't get another answer.
	echo 1 >"control/$(mount_minor "$BASE/merged")/abort"
	wait "$asker"
	check "the daemon goes" wait_gone "$pid" 20
	! is_mounted "$BASE/merged" || umount -l merged
	umount control
}
