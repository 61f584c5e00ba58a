# SPDX-License-Identifier: Apache-2.0
# title: what the kernel leaves in the index after a crash is cleaned at mount as the kernel does it
# labels: quick
# not-mounted: yes

layers() {
	local i
	for i in 1 2 3 4; do
		put l1/a$i "old"
		ln l1/a$i l1/b$i
	done
}

entry() { # of the file that `upper/$1` is
	find work/index -samefile "upper/$1"
}

scenario() {
	union "$BASE/merged" "lowerdir=l1,upperdir=upper,workdir=work,index=on"
	(cd merged && for i in 1 2 3 4; do echo new >>a$i; done)
	union_umount "$BASE/merged"
	# a temp file; an orphan; a count relative to the lower; a copy without its first name
	touch "work/index/#12ab"
	local orphan=$(entry a1) lost=$(entry a3)
	rm upper/a1
	mknod upper/a1 c 0 0
	setfattr -n trusted.overlay.nlink -v "U-1" "$orphan"
	setfattr -n trusted.overlay.nlink -v "L+0" upper/a2
	rm upper/a3
	setfattr -n trusted.overlay.nlink -v "U+1" "$lost"
	union "$BASE/merged" "lowerdir=l1,upperdir=upper,workdir=work,index=on"
	(cd merged && stat_of '%n %h' a2 b2 a3 b3 a4 b4 && cat b1 a2 b2 a3 b3)
	union_umount "$BASE/merged"
	check "the temp file is gone" test ! -e "work/index/#12ab"
	check "the orphan is gone" test ! -e "$orphan"
	check "the copy without its first name isn't" test -e "$lost"
}
