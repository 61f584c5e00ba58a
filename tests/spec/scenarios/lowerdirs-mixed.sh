# SPDX-License-Identifier: Apache-2.0
# title: lowerdir= and lowerdir+= together are one stack in the order in which they stand
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
}

scenario() {
	check "lowerdir first" mount_plyfs "$BASE/merged" "lowerdir=$BASE/l1:$BASE/l2,lowerdir+=$BASE/l3"
	check "the topmost wins" [ "$(cat merged/f merged/one merged/two merged/three | tr -d '\n')" = 1123 ]
	union_umount "$BASE/merged" >&2
}
