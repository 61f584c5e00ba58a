# SPDX-License-Identifier: Apache-2.0
# title: unions lie on unions, three deep, as lower and as upper, and each keeps its own whiteouts and xattrs
# plyfs-only: the kernel refuses an upper on an overlay and a third level
# not-mounted: yes
# timeout: 120

layers() {
	put l1/dir/low "low"
	put l1/dir/gone "gone"
	put l1/file "content"
	mkdir -p l1/replaced/old
	setfattr -n user.a -v 1 l1/file
	mkfifo l1/dir/fifo
	ln -s file l1/link
	local i
	mkdir -p l9/empty
	for i in 1 2 3 9; do mkdir -p "u$i" "w$i" "m$i"; done
}

# step UPPER WORK LOWER POINT
step() {
	check "mounted $4" union "$BASE/$4" "lowerdir=$BASE/$3,upperdir=$BASE/$1,workdir=$BASE/$2"
}

scenario() {
	local b=$BASE before

	step u1 w1 l1 m1
	check "level 1 changes" sh -c 'cd m1 && echo one >>file && rm dir/gone && rm -r replaced && mkdir replaced && echo 1 >replaced/one'
	# level 2 has its lower on level 1, level 3 its lower on level 2 and its upper on a union of its own
	step u9 w9 l9 m9
	mkdir m9/up m9/work
	step u2 w2 m1 m2
	check "level 2 changes" sh -c 'cd m2 && echo two >>file && rm dir/low && rm replaced/one && rmdir replaced && mkdir replaced && echo 2 >replaced/two && setfattr -n trusted.overlay.mine -v x file'
	step m9/up m9/work m2 m3
	check "level 3 changes" sh -c 'cd m3 && echo three >>file && rm -r replaced && mkdir replaced && echo 3 >replaced/three && rm dir/fifo && echo back >dir/low && mv link dir/link && chmod 600 file && ln file hard'
	check_equal "level 3" "content one two three" "$(echo $(cat m3/file))"
	check_equal "its names" "dir dir/link dir/low file hard replaced replaced/three" "$(cd m3 && echo $(find . -mindepth 1 | sed 's,^./,,' | sort))"
	check_equal "level 2 is as it was" "content one two" "$(echo $(cat m2/file))"
	check_equal "level 2's names" "dir dir/fifo file link replaced replaced/two" "$(cd m2 && echo $(find . -mindepth 1 | sed 's,^./,,' | sort))"
	check_equal "an attribute named like an xattr goes through" x "$(getfattr --only-values -n trusted.overlay.mine m2/file 2>/dev/null)"
	check_equal "and is an xattr, hidden, one level up" "" "$(getfattr --only-values -n trusted.overlay.mine m3/file 2>/dev/null)"
	numbers_agree "numbers agree" m3/dir
	before=$("$SC" tree m3 | md5sum)
	check "unmounted 3" union_umount "$b/m3"
	step m9/up m9/work m2 m3
	check_equal "level 3 is the same after a remount" "$before" "$("$SC" tree m3 | md5sum)"
	check "unmounted 3" union_umount "$b/m3"
	check_equal "its work directory is empty" "" "$(find m9/work -mindepth 2 ! -path '*/index/*')"
	check "unmounted 2" union_umount "$b/m2"
	check "unmounted 1" union_umount "$b/m1"
	check "unmounted 9" union_umount "$b/m9"
	# from the bottom up once more: all of it was on disk
	step u1 w1 l1 m1
	step u2 w2 m1 m2
	step u9 w9 l9 m9
	step m9/up m9/work m2 m3
	check_equal "all three remounted" "$before" "$("$SC" tree m3 | md5sum)"
	check "rm -rf through three levels" sh -c 'cd m3 && rm -rf dir file hard replaced && ls -A'
	check "unmounted 3" union_umount "$b/m3"
	check "unmounted 9" union_umount "$b/m9"
	check "unmounted 2" union_umount "$b/m2"
	check "unmounted 1" union_umount "$b/m1"
}
