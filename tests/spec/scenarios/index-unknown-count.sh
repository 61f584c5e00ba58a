# SPDX-License-Identifier: Apache-2.0
# title: an entry of the index whose count of names can't be read stays, and so does what was written to the file
# labels: quick
# not-mounted: yes
# plyfs-only: the kernel removes such an entry where the file has no name in the upper, and shows the lower file again

layers() {
	local i

	for i in 1 2 3 4 5; do
		put l1/a$i "old"
		ln l1/a$i l1/b$i
		ln l1/a$i l1/c$i
	done
	put l1/whole/a "old"
	ln l1/whole/a l1/whole/b
}

entry() { # of the file that `upper/$1` is
	find work/index -samefile "upper/$1"
}

mounted() {
	union "$BASE/merged" "lowerdir=l1,upperdir=upper,workdir=work,index=on"
}

content() {
	check_equal "$1" "old new" "$(cd merged && echo $(cat a1 b1 c1 a2 b2 c2 a3 b3 c3 a4 b4 c4 | sort -u | sort -r))"
}

scenario() {
	local i

	check "mounted" mounted
	(cd merged && for i in 1 2 3 4 5; do echo new >>a$i; done)
	echo new >>merged/whole/a
	union_umount "$BASE/merged"
	# No count, as after a crash of the kernel's between two steps of a copy-up; none that is one; one that leads below nothing; one of a file
	# that was removed below.
	setfattr -x trusted.overlay.nlink upper/a1
	setfattr -n trusted.overlay.nlink -v "U-x" upper/a2
	setfattr -n trusted.overlay.nlink -v "U-7" upper/a3
	setfattr -n trusted.overlay.nlink -v "" upper/a4
	setfattr -x trusted.overlay.nlink upper/a5
	rm upper/a[1-4]
	check "mounted again" mounted
	content "the copies are shown"
	# Names go by other ways than the count of them, which isn't known, says.
	(cd merged && rm a1 b1 a2 b2 a3 b3 a4 b4)
	(cd merged && rm a5 b5)
	check_equal "the last names show the copies" "old new old new old new old new old new" "$(cd merged && echo $(cat c1 c2 c3 c4 c5))"
	union_umount "$BASE/merged"
	check "and again" mounted
	check_equal "the last names show the copies" "old new old new old new old new old new" "$(cd merged && echo $(cat c1 c2 c3 c4 c5))"
	union_umount "$BASE/merged"
	# What says that an entry is a copy of something else has to be readable too.
	entry=$(entry whole/a)
	setfattr -n trusted.overlay.origin -v "0xdeadbeef" upper/whole/a
	refuse "an origin that can't be read" "index: work: index/.+ isn't valid: .+" "lowerdir=l1,upperdir=upper,workdir=work,index=on" merged
	check "and its entry is kept" test -e "$entry"
}
