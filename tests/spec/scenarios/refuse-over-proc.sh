# SPDX-License-Identifier: Apache-2.0
# title: a mountpoint that is /proc is refused
# labels: quick
# plyfs-only: the kernel's overlayfs needs no /proc
# not-mounted: yes

layers() {
	put l1/x 1
}

scenario() {
	local rc=0

	timeout -k 1 15 "$PLYFS" -o "lowerdir=$BASE/l1" /proc 2>said || rc=$?
	check_equal "over /proc" "1 plyfs: mount: /proc: the daemon needs /proc while it is mounted" "$rc $(cat said)"
	check_equal "nothing is mounted" 0 "$(grep -c fuse.plyfs /proc/self/mountinfo)"
}
