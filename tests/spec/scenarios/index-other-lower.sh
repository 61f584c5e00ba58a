# SPDX-License-Identifier: Apache-2.0
# title: an upper whose index belongs to another topmost layer or upper is refused, and without entries goes on without one
# labels: quick
# not-mounted: yes
# plyfs-only: by default plyfs keeps an index, and has to decide what to do without

layers() {
	put l1/a "old"
	ln l1/a l1/b
	put l2/other "x"
	mkdir l9 u2 w2
}

start() { # OPTIONS
	mount_plyfs "$BASE/merged" "$1" || return
	mount_minor "$BASE/merged" >>"$MINORS"
}

scenario() {
	start "lowerdir=l1,upperdir=upper,workdir=work,index=on"
	union_umount "$BASE/merged"
	check "on makes the directory" test -d work/index
	refuse "index=on over another layer" "index: upper: upperdir belongs to another topmost lower layer" \
		"lowerdir=l2:l1,upperdir=upper,workdir=work,index=on" merged
	check "without entries it goes on by default" start "lowerdir=l2:l1,upperdir=upper,workdir=work"
	check "and says so" grep -q "hard links of lower files are broken" merged.log
	union_umount "$BASE/merged"
	check "the kernel agrees" sh -c '! mount -t overlay o -o "index=on,lowerdir=l2:l1,upperdir=upper,workdir=work" merged 2>/dev/null'
	start "lowerdir=l1,upperdir=upper,workdir=work"
	echo new >>merged/a
	union_umount "$BASE/merged"
	refuse "with entries it is refused by default" "index: upper: upperdir belongs to another topmost lower layer; index=off .*" \
		"lowerdir=l2:l1,upperdir=upper,workdir=work" merged
	check "index=off doesn't look" start "lowerdir=l2:l1,upperdir=upper,workdir=work,index=off"
	try cat merged/a merged/b
	union_umount "$BASE/merged"
	refuse "another upper" "index: u2: the index in workdir belongs to another upperdir; index=off .*" \
		"lowerdir=l1,upperdir=u2,workdir=work" merged
	touch work/index/nonsense
	refuse "an entry that is none" "index: work: index/nonsense isn't valid: .*" "lowerdir=l1,upperdir=upper,workdir=work" merged
	rm work/index/nonsense
	check "the right one mounts" start "lowerdir=l1,upperdir=upper,workdir=work,index=on"
	try cat merged/b
	union_umount "$BASE/merged"
}
