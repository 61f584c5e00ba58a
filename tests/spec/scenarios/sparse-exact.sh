# SPDX-License-Identifier: Apache-2.0
# title: copy-up keeps each hole of a sparse file, to the block
# plyfs-only: the kernel copies up in steps of 1 MiB and fills the small holes between

layers() {
	truncate -s 50M l1/sparse
	printf 'one' | dd of=l1/sparse bs=4096 seek=3 conv=notrunc status=none
	printf 'two' | dd of=l1/sparse bs=4096 seek=9 conv=notrunc status=none
	printf 'far' | dd of=l1/sparse bs=4096 seek=10000 conv=notrunc status=none
	cp --sparse=always l1/sparse l1/reference
}

scenario() {
	local before after

	before=$("$SC" fd open:reference:r extents | tail -1)
	"$SC" fd open:sparse:rw pwrite:12288:One fsync >/dev/null
	after=$("$SC" fd open:sparse:r extents | tail -1)
	check_equal "the extents are those of the lower file" "$before" "$after"
	check_equal "the content is whole" "Onetwofar" "$(tr -d '\0' <sparse)"
}
