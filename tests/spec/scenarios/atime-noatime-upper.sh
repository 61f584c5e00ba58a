# SPDX-License-Identifier: Apache-2.0
# title: on a file system that is mounted noatime no access time is set
# labels: quick
# base-options: noatime
# expect-diff: observations:.upper/f.(old|new) the kernel sets it as the union's own mount says, plyfs as the upper's file system is mounted

layers() {
	put upper/f 1
	put l1/low 1
}

at() {
	local p

	for p in "$@"; do
		[ "$(stat -c %X "$p")" -lt $SINCE ] && echo "$p old" || echo "$p new"
	done
}

scenario() {
	cat f low >/dev/null
	cd "$BASE"
	at upper/f l1/low
}
