# SPDX-License-Identifier: Apache-2.0
# title: with an index, links that were made of a copied-up file keep its number when the upper becomes a layer and they are copied up again
# not-mounted: yes
# plyfs-only: the kernel shows another number for a former upper's file

layers() {
	put l1/dir/one 1
	put l1/two 2
	mkdir -p l1/other m u1 w1 u2 w2
}

mounted() {
	union "$BASE/m" "lowerdir=$1,upperdir=$BASE/$2,workdir=$BASE/$3,index=on" || echo "FAIL: mount of $1"
}

numbers() {
	(cd m && find . -mindepth 1 -printf '%P %i\n' | sort)
}

scenario() {
	local before

	mounted "$BASE/l1" u1 w1
	ln m/dir/one m/other/alias
	ln m/two m/deux
	before=$(numbers)
	check_equal "one number" "$(stat -c %i m/two)" "$(stat -c %i m/deux)"
	union_umount "$BASE/m"
	mounted "$BASE/u1:$BASE/l1" u2 w2
	check_equal "over rotation" "" "$(diff <(echo "$before") <(numbers))"
	echo more >>m/other/alias
	chmod 600 m/deux
	check_equal "the links hold" "1 more" "$(echo $(cat m/dir/one))"
	check_equal "over copy-up" "" "$(diff <(echo "$before") <(numbers))"
	union_umount "$BASE/m"
	mounted "$BASE/u1:$BASE/l1" u2 w2
	stat -c %i m/two m/deux m/dir/one >/dev/null
	check_equal "over a remount" "" "$(diff <(echo "$before") <(numbers))"
	check_equal "stat agrees" "" "$(for d in m/dir m/other; do "$SC" inodes $d; done | grep -E 'DIFFERS|WRONG')"
	union_umount "$BASE/m"
}
