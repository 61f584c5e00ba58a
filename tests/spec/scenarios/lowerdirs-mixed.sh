# SPDX-License-Identifier: Apache-2.0
# title: lowerdir=, lowerdir+= and datadir+= together are one stack in the order in which they stand, whatever is in their paths
# labels: quick
# plyfs-only: the kernel refuses a mix of both
# not-mounted: yes

layers() {
	put l1/f 1
	put l1/one 1
	put l2/f 2
	put l2/two 2
	put l3/f 3
	put l3/two 3
	put l3/three 3
	cp -a l3 "l3 with  spaces"
	cp -a l3 l3:with::colons
	cp -a l3 l3,comma
}

# of PATH-AS-WRITTEN: it is the third layer
of() {
	check "$1" mount_plyfs "$BASE/merged" "lowerdir=$BASE/l1,lowerdir+=$BASE/$1,redirect_dir=on,metacopy=on" || return
	check "$1: three" [ "$(cat merged/f merged/three | tr -d '\n')" = 13 ]
	union_umount "$BASE/merged" >&2
}

scenario() {
	check "lowerdir first" mount_plyfs "$BASE/merged" "lowerdir=$BASE/l1:$BASE/l2,lowerdir+=$BASE/l3"
	check "the topmost wins" [ "$(cat merged/f merged/one merged/two merged/three | tr -d '\n')" = 1123 ]
	union_umount "$BASE/merged" >&2
	of "l3 with  spaces"
	of l3:with::colons
	of 'l3\:with\:\:colons'
	of 'l3\,comma'
	check "a data-only layer" mount_plyfs "$BASE/merged" "lowerdir=$BASE/l1,datadir+=$BASE/l3 with  spaces,redirect_dir=on,metacopy=on"
	check_equal "shows nothing by itself" "f one" "$(echo $(ls merged))"
	union_umount "$BASE/merged" >&2
	refuse "data-only layers come last" "lowerdir\+: $BASE/l2: a layer can't follow a data-only one" \
		"datadir+=$BASE/l1,lowerdir+=$BASE/l2,redirect_dir=on,metacopy=on" merged
	refuse "a comma without an escape" "comma: unknown option" "lowerdir+=$BASE/l3,comma" merged
}
