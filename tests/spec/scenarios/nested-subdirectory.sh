# SPDX-License-Identifier: Apache-2.0
# title: a directory of a union is a layer of another one, and of the kernel's overlayfs
# not-mounted: yes

layers() {
	put l1/sub/a "a"
	put l1/sub/dir/low "low"
	put l2/sub/b "b"
	put l2/sub/dir/gone "gone"
	mkdir -p l2/sub/plain/deep u2 w2 m2
}

scenario() {
	local b=$BASE

	union "$b/merged" "lowerdir=$b/l1:$b/l2,upperdir=$b/upper,workdir=$b/work"
	rm merged/sub/dir/gone
	echo new >merged/sub/new
	try mount_kernel "$b/m2" "$KERNEL_DEFAULTS,lowerdir=$b/merged/sub,upperdir=$b/u2,workdir=$b/w2"
	try sh -c 'cd m2 && find . | sort && echo more >>a && rm b && rm -r plain && mkdir plain && find . | sort'
	try cat m2/a merged/sub/a
	umount m2
	rm -r u2 w2
	mkdir u2 w2
	union "$b/m2" "lowerdir=$b/merged/sub/dir:$b/merged/sub,upperdir=$b/u2,workdir=$b/w2"
	try sh -c 'cd m2 && find . | sort && echo more >>a && rm b low; find . | sort'
	union_umount "$b/m2"
	union_umount "$b/merged"
}
