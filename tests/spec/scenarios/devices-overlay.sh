# SPDX-License-Identifier: Apache-2.0
# title: files that a kernel overlay over several file systems has with one number stay several files, in a layer and in the upper
# labels: quick
# plyfs-only: the kernel refuses an upper on an overlay, and shows such numbers as they are
# not-mounted: yes

# With xino=off each file has the device of the layer that it lies in, and its number there.
layers() {
	local i

	mkdir k ku kw top
	for i in 1 2; do
		mkdir t$i
		mount -t tmpfs t$i t$i
		put t$i/low/file$i "low $i"
		put t$i/up/file$i "up $i"
		ln t$i/up/file$i t$i/up/link$i
		mkdir t$i/low/dir$i
	done
	mkdir t1/work
}

distinct() {
	check_equal "$1: no number twice" "" "$(cd merged && find . \( -type d -o -links 1 \) -printf '%i\n' | sort | uniq -d)"
	check_equal "$1: readdir agrees" "" "$(cd merged && find . -type d -exec "$SC" inodes {} \; | grep -v '^\.\. ' | grep -E 'DIFFERS|WRONG')"
}

scenario() {
	local b=$BASE

	mount_kernel "$b/k" "xino=off,index=on,lowerdir=$b/t1:$b/t2,upperdir=$b/ku,workdir=$b/kw"
	check_equal "two files have one number" "$(stat -c %i k/up/file1)" "$(stat -c %i k/up/file2)"
	check "a layer there" union "$b/merged" "lowerdir=$b/k/low,upperdir=$b/upper,workdir=$b/work"
	distinct "layer"
	check "changes" sh -c 'cd merged && echo more >>file2 && chmod 700 dir2'
	check_equal "layer, changed: content" "low 1 low 2 more" "$(echo $(cat merged/file1 merged/file2))"
	distinct "layer, changed"
	union_umount "$b/merged"
	check "the upper there" union "$b/merged" "lowerdir=$b/t1/low,upperdir=$b/k/up,workdir=$b/k/work"
	distinct "upper"
	check_equal "upper: content" "up 1 up 1 up 2 up 2" "$(cd merged && echo $(cat file1 link1 file2 link2))"
	check "changes" sh -c 'cd merged && echo more >>file2 && chmod 600 link1'
	check_equal "upper, changed: content" "up 1 up 1 up 2 more up 2 more" "$(cd merged && echo $(cat file1 link1 file2 link2))"
	check_equal "upper, changed: modes" "600 600 644 644" "$(cd merged && echo $(stat -c %a file1 link1 file2 link2))"
	check "one is renamed over a link of the other" sc rename merged/file1 merged/link2
	check_equal "upper, renamed: content" "up 1 up 2 more up 1" "$(cd merged && echo $(cat link1 file2 link2))"
	check_equal "upper, renamed: names" "dir1 file2 link1 link2" "$(echo $(ls merged))"
	distinct "upper, changed"
	union_umount "$b/merged"
	umount k t1 t2
}
