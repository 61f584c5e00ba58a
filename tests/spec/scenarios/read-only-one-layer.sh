# SPDX-License-Identifier: Apache-2.0
# title: one lower layer alone is a union
# plyfs-only: the kernel asks for two lower layers where there is no upper
# no-upper: yes

layers() {
	put l1/dir/file "content"
}

scenario() {
	check_equal "content" "content" "$(cat dir/file)"
	check_equal "refusal" "EROFS" "$("$SC" xattr set dir/file user.a 1)"
	check_equal "listing" "dir" "$(ls -A)"
	check_equal "opening to write" "open:dir/file:rw -> EROFS" "$("$SC" fd open:dir/file:rw)"
}
