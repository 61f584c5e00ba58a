# SPDX-License-Identifier: Apache-2.0
# title: reading sets access times as the upper's mount says
# base-options: strictatime
# labels: quick
# expect-diff: observations:.listed.(old|new) a listing comes from what is remembered of the directory

layers() {
	put upper/f 1
	put upper/d/x 1
	ln -s f upper/l
	put l1/low 1
	ln -s low l1/ll
	put l1/ld/x 1
}

scenario() {
	atime_of f l low ll
	cat f >/dev/null; ls d >/dev/null; readlink l; cat low >/dev/null; readlink ll; ls ld >/dev/null
	atime_of f l low ll
	check "the listed directory" test -d d
	stat -c %X d | awk -v since=$SINCE '{ print "listed " ($1 < since ? "old" : "new") }'
	remount
	atime_of f l low ll
	sc fd open:f:r,noatime read:1
	as 1000:1000 "$SC" fd open:f:r,noatime
	as 1000:1000 "$SC" fd open:low:r,noatime
}
