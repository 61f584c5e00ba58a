# SPDX-License-Identifier: Apache-2.0
# title: inode numbers stay when the upper becomes a layer, also where the layers lie on different file systems
# not-mounted: yes
# plyfs-only: the kernel shows other numbers for what lies on another file system

layers() {
	mkdir -p l2 m u1 w1 u2 w2 u3 w3
	mount -t tmpfs l2 l2
	put l1/dir/one 1
	put l1/above 1
	put l2/dir/two 2
	put l2/dir/three 3
	put l2/dir/sub/x 3
	put l2/only/y 4
	ln -s target l2/link
	mkfifo l2/fifo
	mknod l2/node c 1 3
}

mounted() {
	union "$BASE/m" "lowerdir=$1,upperdir=$BASE/$2,workdir=$BASE/$3" || echo "FAIL: mount of $1"
}

numbers() {
	(cd m && find . -mindepth 1 -printf '%P %i %D\n' | sort | sed 's/ [0-9]*$//')
}

distinct() {
	check_equal "$1: no number twice" "" "$(cd m && find . -printf '%i\n' | sort | uniq -d)"
	numbers_agree "$1: readdir agrees" m/dir m/only
	check_equal "$1: one device" 1 "$(find m -printf '%D\n' | sort -u | wc -l)"
}

scenario() {
	local before lower=$BASE/l1:$BASE/l2

	mounted "$lower" u1 w1
	before=$(numbers)
	echo more >>m/dir/two
	chmod 700 m/dir/sub m/only
	chown -h 1:1 m/link m/fifo m/node
	mv m/dir/three m/dir/moved
	mv m/dir/moved m/dir/three
	echo more >>m/above
	check_equal "over copy-up" "" "$(diff <(echo "$before") <(numbers))"
	mkdir m/new
	touch m/new/a m/new/b
	distinct "changed"
	before=$(numbers)
	union_umount "$BASE/m"
	mounted "$BASE/u1:$lower" u2 w2
	check_equal "over rotation" "" "$(diff <(echo "$before") <(numbers))"
	distinct "rotated"
	echo again >>m/dir/two
	touch m/new/a m/only/y
	chmod 711 m/new m/dir
	chmod 600 m/fifo
	check_equal "copied up from the rotated layer" "" "$(diff <(echo "$before") <(numbers))"
	union_umount "$BASE/m"
	mounted "$BASE/u2:$BASE/u1:$lower" u3 w3
	check_equal "over a second rotation" "" "$(diff <(echo "$before") <(numbers))"
	distinct "rotated twice"
	union_umount "$BASE/m"
}
