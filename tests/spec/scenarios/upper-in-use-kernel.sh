# SPDX-License-Identifier: Apache-2.0
# title: an upper that the kernel's overlayfs uses is shown read-only with its index, and without a work directory of its mount not at all
# labels: quick
# plyfs-only: the kernel mounts no second one with index=on
# not-mounted: yes
# timeout: 60

layers() {
	put l1/a a
	ln l1/a l1/b
	mkdir l1/dir work2 merged2
	ln l1/a l1/dir/c
	put l1/x x
	ln l1/x l1/y
}

shown() {
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %i %n %s %T@\n' | grep -v ' d ' | sort && find . -type f | sort | xargs cat)
}

change() {
	check "$1" sh -c "cd '$BASE/merged' && $1"
	check "the same is shown: $1" diff <(shown "$BASE/merged") <(shown "$BASE/merged2")
}

scenario() {
	local b=$BASE options="lowerdir=$BASE/l1,upperdir=$BASE/upper"

	mount_kernel "$b/merged" "index=on,redirect_dir=off,metacopy=off,xino=off,$options,workdir=$b/work"
	echo more >>"$b/merged/a"
	refuse "another work directory" "upperdir: $b/upper: .+" "$options,workdir=$b/work2,ro" "$b/merged2"
	check "its own" mount_plyfs "$b/merged2" "$options,workdir=$b/work,ro"
	change "true"
	change "echo more >>b"
	change "echo more >>y"
	change "rm x"
	change "mv dir/c dir/d && ln a dir/e"
	change "rm a b dir/e"
	change "rm -r dir"
	check "it goes" union_umount "$b/merged2"
	umount "$b/merged"
}
