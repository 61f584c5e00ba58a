# SPDX-License-Identifier: Apache-2.0
# title: an upper that was copied elsewhere goes on with its hard links though a path in it is longer than any that a system call takes
# labels: quick
# not-mounted: yes
# plyfs-only: the kernel refuses the copy with index=on, and without breaks the links

layers() {
	rm -rf l1 upper work
	mkdir -p store/l1 store/upper store/work upper work
	put store/l1/a-1 "old"
	ln store/l1/a-1 store/l1/a-2
}

start() { # STORE
	mount_plyfs "$BASE/merged" "lowerdir=$1/l1,upperdir=$1/upper,workdir=$1/work" || return
	mount_minor "$BASE/merged" >>"$MINORS"
}

scenario() {
	start store || return
	echo new >>merged/a-1
	union_umount "$BASE/merged"
	cp -a store copy
	(cd copy/upper && sc deep make "$(printf 'd%.0s' $(seq 200))" 30) >/dev/null
	check "the copy is mounted" start copy
	check_equal "by both names" "old new" "$(echo $(cat merged/a-2))"
	check_equal "which are one file" "$(stat -c '%i 2' merged/a-1)" "$(stat -c '%i %h' merged/a-2)"
	check "unmounted" union_umount "$BASE/merged"
	(cd copy/upper && sc deep remove "$(printf 'd%.0s' $(seq 200))" 30) >/dev/null
}
