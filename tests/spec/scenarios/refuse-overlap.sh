# SPDX-License-Identifier: Apache-2.0
# title: overlapping layers are refused, and those that the kernel takes are accepted
# labels: quick
# plyfs-only: the form of plyfs's own messages
# not-mounted: yes

layers() {
	put l1/sub/x 1
	put l2/y 1
	mkdir -p upper/inside outer/u outer/w
	put outer/x 1
	ln -s l1 link
	mkdir other
}

scenario() {
	local u=$BASE/upper w=$BASE/work m=$BASE/merged

	refuse "twice" "lowerdir: $BASE/l1: .+" "lowerdir=$BASE/l1:$BASE/l2:$BASE/l1,upperdir=$u,workdir=$w" "$m"
	refuse "twice by a link" "lowerdir: $BASE/(l1|link): .+" "lowerdir=$BASE/l1:$BASE/link,upperdir=$u,workdir=$w" "$m"
	refuse "one inside another" "lowerdir: $BASE/l1(/sub)?: .+" "lowerdir=$BASE/l1/sub:$BASE/l1,upperdir=$u,workdir=$w" "$m"
	refuse "one around another" "lowerdir: $BASE/l1(/sub)?: .+" "lowerdir=$BASE/l1:$BASE/l1/sub,upperdir=$u,workdir=$w" "$m"
	refuse "upper is a lower" "(lowerdir|upperdir): $BASE/l1: .+" "lowerdir=$BASE/l1:$BASE/l2,upperdir=$BASE/l1,workdir=$w" "$m"
	refuse "work is a lower" "(lowerdir|workdir): $BASE/l2: .+" "lowerdir=$BASE/l1:$BASE/l2,upperdir=$u,workdir=$BASE/l2" "$m"
	refuse "a lower inside the upper" "(lowerdir|upperdir): $u(/inside)?: .+" "lowerdir=$u/inside,upperdir=$u,workdir=$w" "$m"
	refuse "work is the upper" "(upperdir|workdir): $u: .+" "lowerdir=$BASE/l1,upperdir=$u,workdir=$u" "$m"
	refuse "work inside the upper" "(upperdir|workdir): $u(/inside)?: .+" "lowerdir=$BASE/l1,upperdir=$u,workdir=$u/inside" "$m"
	refuse "upper inside work" "(upperdir|workdir): $u(/inside)?: .+" "lowerdir=$BASE/l1,upperdir=$u/inside,workdir=$u" "$m"
	mount --bind "$BASE/l1" "$BASE/other"
	refuse "twice by a bind mount" "lowerdir: $BASE/(l1|other): .+" "lowerdir=$BASE/l1:$BASE/other,upperdir=$u,workdir=$w" "$m"
	umount "$BASE/other"
	check "upper and work inside a lower are accepted" union "$m" "lowerdir=$BASE/outer,upperdir=$BASE/outer/u,workdir=$BASE/outer/w"
	check "and unmounted" union_umount "$m"
}
