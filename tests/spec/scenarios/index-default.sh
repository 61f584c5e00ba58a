# SPDX-License-Identifier: Apache-2.0
# title: hard links of lower files survive copy-up without any option, and a union without them leaves no trace of the index
# labels: quick
# not-mounted: yes
# plyfs-only: the kernel's default is without

layers() {
	put l1/a "old"
	ln l1/a l1/b
	put l1/single "single"
}

plain() {
	mount_plyfs "$BASE/merged" "lowerdir=l1,upperdir=upper,workdir=work" || return
	mount_minor "$BASE/merged" >>"$MINORS"
}

scenario() {
	plain
	try sh -c 'echo more >>merged/single; rm merged/single; stat -c %h merged/a'
	union_umount "$BASE/merged"
	check "no index directory" test ! -e work/index
	check "no xattr on the upper's root" sh -c '! getfattr -n trusted.overlay.origin upper 2>/dev/null'
	plain
	try sh -c 'echo new >>merged/a; cat merged/b'
	union_umount "$BASE/merged"
	check "an index directory" test -d work/index
	plain
	try cat merged/a merged/b
	try stat -c '%n %h' merged/a merged/b
	check "one inode" test merged/a -ef merged/b
	union_umount "$BASE/merged"
}
