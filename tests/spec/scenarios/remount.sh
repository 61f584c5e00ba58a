# SPDX-License-Identifier: Apache-2.0
# title: the helper of mount(8) refuses to remount in one line that says why, and mount -i, which asks the kernel alone, does it
# labels: quick
# plyfs-only: the kernel can remount an overlayfs
# not-mounted: yes

layers() {
	put l1/x lower
}

scenario() {
	local b=$BASE new options=lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work

	ln -s "$PLYFS" mount.fuse.plyfs
	check "mounted" union "$b/merged" "$options"
	for new in ro "$options" "ro,$options,redirect_dir=off"; do
		check_equal "the helper, with ${new%%=*}" "plyfs: remount: a live mount can't be changed, unmount it first"$'\n1' \
			"$(./mount.fuse.plyfs none "$b/merged" -o "rw,remount,$new" 2>&1; echo $?)"
	done
	try sh -c 'echo more >>merged/x'
	try mount -i -o remount,ro "$b/merged"
	try sh -c 'echo more >>merged/x'
	try mount -i -o remount,rw "$b/merged"
	try sh -c 'echo more >>merged/x'
	try mount -o remount,bind,ro "$b/merged"
	try sh -c 'echo more >>merged/x'
	try cat merged/x
	check "unmounted" union_umount "$b/merged"
}
