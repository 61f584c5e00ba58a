# SPDX-License-Identifier: Apache-2.0
# title: an index that was made where the file system's uuid couldn't be told goes on where it can
# labels: quick
# not-mounted: yes
# plyfs-only: about xattrs that plyfs made where it was told no uuid

layers() {
	put l1/a "old"
	ln l1/a l1/b
}

# without_uuid FILE ATTRIBUTE: the xattr as it is on a kernel that doesn't tell.
without_uuid() {
	local value

	value=$(getfattr --absolute-names --only-values -n "$2" "$1" | od -An -v -tx1 | tr -d ' \n')
	setfattr -n "$2" -v "0x${value:0:10}$(printf '0%.0s' {1..32})${value:42}" "$1"
}

scenario() {
	local options="lowerdir=l1,upperdir=upper,workdir=work,index=on"

	check "mounted" union "$BASE/merged" "$options"
	union_umount "$BASE/merged"
	[ "$(getfattr --absolute-names --only-values -n trusted.overlay.origin upper | od -An -v -tx1 | tr -d ' \n' | cut -c 11-42 | tr -d 0)" ] ||
		unsupported "the kernel doesn't tell uuids"
	without_uuid upper trusted.overlay.origin
	without_uuid work/index trusted.overlay.upper
	check "mounted over xattrs without it" union "$BASE/merged" "$options"
	echo new >>merged/a
	check_equal "the index is used" "old new" "$(echo $(cat merged/b))"
	union_umount "$BASE/merged"
	check "and again" union "$BASE/merged" "$options"
	check_equal "it goes on" "old new" "$(echo $(cat merged/b))"
	union_umount "$BASE/merged"
}
