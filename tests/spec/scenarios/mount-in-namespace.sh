# SPDX-License-Identifier: Apache-2.0
# title: mount -N mounts in another mount namespace, where all paths are looked up, as with kernel overlayfs
# labels: quick
# plyfs-only: mount(8)'s helper
# needs: nsenter
# not-mounted: yes

layers() {
	put l1/x here
}

# other COMMAND...: in the other namespace
other() { nsenter -t "$holder" -m "$@"; }

scenario() {
	local b=$BASE holder kernel data

	unshare -m sh -c 'mount -t tmpfs -o mode=755 tmpfs "$0/l1" && echo there >"$0/l1/x" && exec sleep 60' "$b" &
	holder=$!
	until [ "$(other cat "$b/l1/x" 2>/dev/null)" = there ]; do sleep 0.05; done
	mkdir -p "$b/k/upper" "$b/k/work"
	ln -s "$PLYFS" "$b/mount.fuse.plyfs"
	check "the kernel's" mount -N "$holder" -t overlay -o "lowerdir=$b/l1,upperdir=$b/k/upper,workdir=$b/k/work" overlay "$b/merged"
	kernel="$(grep -c " $b/merged " /proc/self/mountinfo) $(other cat "$b/merged/x")"
	other umount "$b/merged"
	check "the helper, as mount -N calls it" "$b/mount.fuse.plyfs" union "$b/merged" \
		-o "rw,lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,pidfile=$b/pid" -N "/proc/$holder/ns/mnt"
	check_equal "there and nowhere else" "$kernel" "$(grep -c " $b/merged " /proc/self/mountinfo) $(other cat "$b/merged/x")"
	other sh -c 'echo written >"$0"' "$b/merged/new"
	data=$(cat "$b/pid")
	other umount "$b/merged"
	check "its daemon is gone" wait_gone "$data" 5
	check_equal "the upper" written "$(cat "$b/upper/new")"
	check "by a process's number" "$b/mount.fuse.plyfs" union "$b/merged" -o "lowerdir=$b/l1,pidfile=$b/pid" -N "$holder"
	data=$(cat "$b/pid")
	other umount "$b/merged"
	check "its daemon is gone" wait_gone "$data" 5
	check_equal "no such namespace" "plyfs: -N: $b/none: No such file or directory" \
		"$("$b/mount.fuse.plyfs" union "$b/merged" -o "lowerdir=$b/l1" -N "$b/none" 2>&1)"
	kill "$holder"
}
