# SPDX-License-Identifier: Apache-2.0
# title: the counter of bytes read has the bytes that were read, not those that were asked for
# labels: quick
# not-mounted: yes
# plyfs-only: the daemon's counters

layers() {
	mkdir -p l1
	head -c 400001 /dev/zero >l1/large
	head -c 70001 /dev/zero >l1/middle
	echo small >l1/small
}

scenario() {
	local name before

	check "mount" union "$BASE/merged" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,log=$BASE/log"
	for name in large middle small; do
		before=$(counted "$BASE/merged" read-bytes)
		check "$name is read" cmp "l1/$name" "merged/$name"
		check_equal "$name" "$(stat -c %s "l1/$name")" $(($(counted "$BASE/merged" read-bytes) - before))
	done
	check "unmount" union_umount "$BASE/merged"
}
