# SPDX-License-Identifier: Apache-2.0
# title: a layer whose files tell no sizes, as those of procfs, is refused and doesn't look empty
# labels: quick
# plyfs-only: the kernel refuses procfs alone and reads the others whatever size they tell
# not-mounted: yes

layers() {
	put l1/x 1
	mkdir traces
}

scenario() {
	local l=$BASE/l1 m=$BASE/merged why="files of this file system tell no sizes, and would look empty"

	refuse "procfs" "lowerdir: /proc: $why" "lowerdir=/proc:$l" "$m"
	refuse "a directory of procfs" "lowerdir: /proc/sys: $why" "lowerdir=$l:/proc/sys" "$m"
	refuse "as a data-only layer" "datadir: /proc: $why" "lowerdir=$l,datadir+=/proc" "$m"
	mount -t tracefs traces traces
	refuse "tracefs" "lowerdir: $BASE/traces: $why" "lowerdir=$BASE/traces:$l" "$m"
	umount traces
	check "a layer that holds /proc is none" union "$m" "lowerdir=/"
	check_equal "and shows what lies below it" "" "$(ls merged/proc | head -1)"
	check "unmounted" union_umount "$m"
}
