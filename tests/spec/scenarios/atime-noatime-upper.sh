# SPDX-License-Identifier: Apache-2.0
# title: on a file system that is mounted noatime no access time is set
# labels: quick
# base-options: noatime
# expect-diff: observations:.upper/f.(old|new) without an option the kernel's union is mounted relatime, and plyfs goes by the upper's own mount

layers() {
	put upper/f 1
	put l1/low 1
}

scenario() {
	cat f low >/dev/null
	cd "$BASE"
	atime_of upper/f l1/low
}
