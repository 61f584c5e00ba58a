# SPDX-License-Identifier: Apache-2.0
# title: a linked name whose copy has metadata alone, written by the kernel, shows mode and data by all its names
# labels: quick
# not-mounted: yes
# plyfs-only: both mount the same upper in turn

layers() {
	put l1/d1/a "data"
	mkdir l1/d2
	ln l1/d1/a l1/d2/b
	put l1/d1/c "moved"
	ln l1/d1/c l1/d2/d
}

scenario() {
	mount_kernel "$BASE/merged" "lowerdir=l1,upperdir=upper,workdir=work,index=on,redirect_dir=on,metacopy=on,xino=off"
	chmod 600 merged/d1/a
	mv merged/d1/c merged/d2/moved
	chmod 640 merged/d2/moved
	umount "$BASE/merged"
	check "the kernel made a copy of the metadata" getfattr -n trusted.overlay.metacopy upper/d1/a
	mount_plyfs "$BASE/merged" "lowerdir=l1,upperdir=upper,workdir=work,index=on,metacopy=on" && mount_minor "$BASE/merged" >>"$MINORS"
	try stat -c '%n %a %h %s' merged/d1/a merged/d2/b merged/d2/moved merged/d2/d
	check_equal "the data, by each name" "data data moved moved" "$(echo $(cat merged/d2/b merged/d1/a merged/d2/d merged/d2/moved))"
	check "writing the one" sh -c 'echo more >>merged/d2/b'
	check_equal "shows in the other" "data more" "$(echo $(cat merged/d1/a))"
	check "writing the other" sh -c 'echo more >>merged/d2/d'
	check_equal "shows in the one" "moved more" "$(echo $(cat merged/d2/moved))"
	union_umount "$BASE/merged"
	mount_kernel "$BASE/merged" "lowerdir=l1,upperdir=upper,workdir=work,index=on,redirect_dir=on,metacopy=on,xino=off"
	check_equal "the kernel agrees" "data more data more moved more" "$(echo $(cat merged/d1/a merged/d2/b merged/d2/d))"
	umount "$BASE/merged"
}
