# SPDX-License-Identifier: Apache-2.0
# title: a shared mapping of a lower file sees the data that is written after the copy-up
# plyfs-only: the kernel's mapping stays on the lower file, which its documentation lists as a defect

layers() {
	put l1/file "old content"
}

scenario() {
	local seen

	seen=$("$SC" fd open:file:r mmap:r:4096 show:0:3 sh:'printf NEW | dd of=file bs=1 conv=notrunc status=none' show:0:3 | grep show)
	check_equal "the mapping shows the new data" "show:0:3 -> 3 old
show:0:3 -> 3 NEW" "$seen"
	seen=$("$SC" fd open:file:rw mmap:rw:4096 store:4:STORED sh:'cat file' | tail -1)
	check_equal "a store shows in the file" "NEW STOREDt" "$seen"
}
