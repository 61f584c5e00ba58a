# SPDX-License-Identifier: Apache-2.0
# title: an upper or work directory that another mount uses is refused, also the kernel's
# labels: quick
# plyfs-only: the kernel warns and goes on without an index
# not-mounted: yes
# timeout: 120

layers() {
	put l1/x 1
	put l2/x 1
	mkdir merged2 upper2 work2 kernel
}

scenario() {
	local b=$BASE

	check "the first mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	refuse "same upper and work" "(upperdir|workdir): $b/(upper|work): .+" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work" "$b/merged2"
	refuse "same upper" "upperdir: $b/upper: .+" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work2" "$b/merged2"
	refuse "same work" "workdir: $b/work: .+" "lowerdir=$b/l1,upperdir=$b/upper2,workdir=$b/work" "$b/merged2"
	check "the first still works" sh -c "echo more >>$b/merged/x"
	check "lowers are shared" union "$b/merged2" "lowerdir=$b/l1,upperdir=$b/upper2,workdir=$b/work2"
	check "the second goes" union_umount "$b/merged2"
	check "the first goes" union_umount "$b/merged"
	check "free again" union "$b/merged2" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	check "and unmounted" union_umount "$b/merged2"
	mount_kernel "$b/kernel" "$KERNEL_DEFAULTS,lowerdir=$b/l1:$b/l2,upperdir=$b/upper,workdir=$b/work"
	refuse "in use by the kernel" "(upperdir|workdir): $b/(upper|work): .+" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work" "$b/merged"
	umount "$b/kernel"
}
