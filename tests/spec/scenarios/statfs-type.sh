# SPDX-License-Identifier: Apache-2.0
# title: statfs tells FUSE's type of file system
# labels: quick
# expect-diff: observations:.type the kernel sets it for a mount of this kind

layers() {
	put l1/file 1
}

scenario() {
	local type=65735546

	[ "$FS" = plyfs ] || type=794c7630
	echo "type $(stat -f -c %t .)"
	check_equal "its own" $type "$(stat -f -c %t file)"
}
