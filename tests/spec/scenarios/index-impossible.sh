# SPDX-License-Identifier: Apache-2.0
# title: where file handles don't last the union has no index: silently by default, with a warning when asked for
# labels: quick
# not-mounted: yes
# plyfs-only: a lower layer on FUSE

layers() {
	put l1/a "old"
	ln l1/a l1/b
	mkdir m1 u2 w2
}

scenario() {
	check "the layer below" union "$BASE/m1" "lowerdir=l1,upperdir=upper,workdir=work,index=on"
	check "by default" union "$BASE/merged" "index=off,lowerdir=m1,upperdir=u2,workdir=w2"
	union_umount "$BASE/merged"
	mount_plyfs "$BASE/merged" "lowerdir=m1,upperdir=u2,workdir=w2" && mount_minor "$BASE/merged" >>"$MINORS"
	check_equal "it says nothing" "" "$(cat merged.log)"
	echo new >>merged/a
	try cat merged/a merged/b
	union_umount "$BASE/merged"
	check "no index was made" test ! -e w2/index
	mount_plyfs "$BASE/merged" "lowerdir=m1,upperdir=u2,workdir=w2,index=on" && mount_minor "$BASE/merged" >>"$MINORS"
	check "on is taken with a warning" grep -q "index: m1: its file system gives no lasting file handles" merged.log
	union_umount "$BASE/merged"
	mkdir -p w2/index
	touch w2/index/00
	refuse "an index that is there is not passed over" "index: m1: .*; index=off ignores the index in workdir" \
		"lowerdir=m1,upperdir=u2,workdir=w2" merged
	union_umount "$BASE/m1"
}
