# SPDX-License-Identifier: Apache-2.0
# title: with uuid=on the upper has an identity, which stays, and which the union doesn't show
# labels: quick
# not-mounted: yes
# expect-diff: observations:.auto: FUSE's statfs has no place for it: it is made on request only

layers() {
	put l1/file 1
	mkdir -p m
}

uuid_of() {
	getfattr -h --absolute-names -e hex -n trusted.overlay.uuid "$1" 2>/dev/null | sed -n 's/^trusted.overlay.uuid=0x//p'
}

scenario() {
	local mode first

	for mode in off null auto on; do
		mkdir "u-$mode" "w-$mode"
		union "$BASE/m" "lowerdir=$BASE/l1,upperdir=$BASE/u-$mode,workdir=$BASE/w-$mode,uuid=$mode" || echo "FAIL: mount with $mode"
		check_equal "hidden with $mode" "" "$(uuid_of m)"
		union_umount "$BASE/m"
		first=$(uuid_of "u-$mode")
		echo "$mode: ${#first} digits"
		union "$BASE/m" "lowerdir=$BASE/l1,upperdir=$BASE/u-$mode,workdir=$BASE/w-$mode,uuid=$mode" || echo "FAIL: mount again with $mode"
		union_umount "$BASE/m"
		check_equal "constant with $mode" "$first" "$(uuid_of "u-$mode")"
	done
	check "it says that it is random" sh -c 'case $1 in ????????????4???[89ab]*) ;; *) exit 1 ;; esac' - "$(uuid_of u-on)"
	union "$BASE/m" "lowerdir=$BASE/l1,upperdir=$BASE/u-on,workdir=$BASE/w-on,uuid=auto"
	union_umount "$BASE/m"
	check_equal "kept by a mount without the option" "$first" "$(uuid_of u-on)"
}
