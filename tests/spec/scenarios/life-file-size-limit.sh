# SPDX-License-Identifier: Apache-2.0
# title: its caller's limits of file sizes and processor time don't end the daemon
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	fill l1/file 300000
}

# mounted KIND: by a caller who is allowed 8 KiB and a second.
mounted() {
	bash -c 'ulimit "$1" -f 8 && ulimit "$1" -t 1 && exec "$PLYFS" -o "lowerdir=$2/l1,upperdir=$2/upper,workdir=$2/work,pidfile=$2/pid" "$2/merged"' \
		- "$1" "$BASE" </dev/null
	mount_minor "$BASE/merged" >>"$MINORS"
}

scenario() {
	local b=$BASE hard

	check "mounted under soft limits" mounted -S
	check "a lower file is copied up" sh -c "echo more >>$b/merged/file"
	check "a large one is made" sc fill merged/large 500000
	check_equal "in the upper" "300005 500000" "$(echo $(stat -c %s upper/file upper/large))"
	check_equal "nor is there a limit of time" "unlimited" "$(awk '/^Max cpu time/ { print $4 }' "/proc/$(cat pid)/limits")"
	check "unmounted" union_umount "$b/merged"
	rm -rf upper/* work/*

	# Whoever may raises them as well; else the write is what fails.
	check "mounted under hard limits" mounted -SH
	hard=$(awk '/^Max file size/ { print $5 }' "/proc/$(cat pid)/limits")
	if [ "$hard" = unlimited ]; then
		check "a large file is made" sc fill merged/large 500000
	else
		check "a large file can't be made" sh -c "! $SC fill $b/merged/large 500000 2>/dev/null"
	fi
	check "the daemon lives" ls merged
	check_equal "small files can be made" small "$(echo small >merged/small; cat merged/small)"
	check "unmounted" union_umount "$b/merged"
}
