# SPDX-License-Identifier: Apache-2.0
# title: a mount right after a lazy unmount waits until the predecessor has gone
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x 1
}

scenario() {
	local b=$BASE first

	check "the first mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	first=$(cat "$b/merged.pid")
	sleep 2 <"$b/merged/x" &
	umount -l "$b/merged"
	check "the second mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	check "the first daemon is gone" wait_gone "$first" 5
	wait
	check "it works" sh -c "echo more >>$b/merged/x"
	check "and unmounted" union_umount "$b/merged"
}
