# SPDX-License-Identifier: Apache-2.0
# title: whole trees that a crash left in the work directory are removed at the mount
# plyfs-only: the kernel gives up on a deeper tree and mounts read-only

layers() {
	mkdir -p work/work/dir/sub/subsub
	fill work/work/dir/sub/subsub/x 1000
	fill work/work/dir/y 1000
	chmod 0 work/work/dir/sub
	put l1/file "short"
}

scenario() {
	check_equal "nothing stale is left" "" "$(find "$BASE/work" -mindepth 2 ! -path '*/index/*')"
	check "the union is writable" sh -c 'echo more >>file'
	check_equal "content" "short more" "$(tr '\n' ' ' <file | sed 's/ $//')"
}
