# SPDX-License-Identifier: Apache-2.0
# title: a directory with copied-up children is marked as the kernel marks it
# labels: quick
# plyfs-only: what the upper says beside the common form

layers() {
	put l1/dir/file 1
	put l1/dir/other 1
}

scenario() {
	echo more >>dir/file
	touch dir/new
	remount
	check "the copied file tells its origin" getfattr -h -n trusted.overlay.origin "$BASE/upper/dir/file"
	check "the copied directory tells its origin" getfattr -h -n trusted.overlay.origin "$BASE/upper/dir"
	check "its parent is marked impure" getfattr -h -n trusted.overlay.impure "$BASE/upper/dir"
	check "a new file has no origin" sh -c '! getfattr -h -n trusted.overlay.origin "$BASE/upper/dir/new" 2>/dev/null'
}
