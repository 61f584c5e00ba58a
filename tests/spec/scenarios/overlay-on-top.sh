# SPDX-License-Identifier: Apache-2.0
# title: kernel overlayfs mounts with the union as its lower layer and copies up from it
# labels: quick
# not-mounted: yes

layers() {
	put l1/file "content"
	put l2/dir/b "b"
	mkdir upper2 work2 top
}

scenario() {
	union "$BASE/merged" "lowerdir=$BASE/l1:$BASE/l2,upperdir=$BASE/upper,workdir=$BASE/work"
	try mount -t overlay top -o "lowerdir=$BASE/merged,upperdir=$BASE/upper2,workdir=$BASE/work2" "$BASE/top"
	try sh -c 'cd top && echo more >>file && rm dir/b && cat file && ls -A . dir'
	try umount "$BASE/top"
	try cat merged/file merged/dir/b
	union_umount "$BASE/merged"
}
