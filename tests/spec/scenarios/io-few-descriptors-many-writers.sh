# SPDX-License-Identifier: Apache-2.0
# title: with few descriptors thousands of written files find no limit, though each has to be synced before it is closed
# labels: quick
# plyfs-only: the daemon's descriptors
# not-mounted: yes

scenario() {
	local b=$BASE

	check "mounts with 200 descriptors" bash -c "ulimit -n 200; exec '$PLYFS' -o \
		'lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,pidfile=$b/merged.pid' '$b/merged'"
	mount_minor "$b/merged" >>"$MINORS"
	check "3000 files are written" bash -c "for i in {1..3000}; do echo \$i >$b/merged/f\$i || exit 1; done"
	check_equal "all are there" 4501500 "$(cat "$b"/merged/f* | awk '{ sum += $1 } END { print sum }')"
	check "unmounts" union_umount "$b/merged"
}
