# SPDX-License-Identifier: Apache-2.0
# title: the same mount asked for twice is one mount and no error
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x 1
}

scenario() {
	local b=$BASE

	check "the first mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	check "the second call" timeout 20 "$PLYFS" -o "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work" "$b/merged"
	check_equal "mounted once" 1 "$(grep -c " $b/merged " /proc/self/mountinfo)"
	check "it works" sh -c "echo more >>$b/merged/x"
	check "and unmounted" union_umount "$b/merged"
	check_equal "nothing is left" 0 "$(grep -c " $b/merged " /proc/self/mountinfo)"
}
