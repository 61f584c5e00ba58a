# SPDX-License-Identifier: Apache-2.0
# title: a layer's clone that can't be made read-only is told, and refused where the error passes
# labels: quick
# needs: strace
# not-mounted: yes
# plyfs-only: about plyfs's clones of the layers' mounts

# failing ERROR: clones can't be made read-only. The layers are opened by the process that is called.
failing() {
	plyfs_under_strace -e trace=mount_setattr -e "inject=mount_setattr:error=$1"
}

layers() {
	put l1/x 1
}

scenario() {
	local b=$BASE options=lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work REAL=$PLYFS

	failing ENOMEM
	PLYFS=$b/traced refuse "an error that passes" "lowerdir: $b/l1: .*Cannot allocate memory" "$options" merged
	failing EPERM
	PLYFS=$b/traced union "$b/merged" "$options" || echo "FAIL: mount"
	check "and told" grep -q -x -E "plyfs: $b/l1: clone of the mount stays writable: Operation not permitted" merged.log
	check_equal "the layer shows" 1 "$(cat merged/x)"
	check "and is copied up" sc fd open:merged/x:rw pwrite:0:2 close
	check_equal "not written" 1 "$(cat l1/x)"
	check "unmounted" union_umount "$b/merged"
}
