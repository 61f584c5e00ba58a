# SPDX-License-Identifier: Apache-2.0
# title: stores through a shared mapping on a full upper kill nobody and hang nothing, and there is space for them once it is made
# plyfs-only: the kernel refuses the store with SIGBUS
# not-mounted: yes

layers() {
	mkdir m small
}

scenario() {
	mount -t tmpfs -o size=4m small small
	mkdir small/u small/w
	union "$BASE/m" "lowerdir=l1,upperdir=small/u,workdir=small/w" || echo "FAIL: mount"
	truncate -s 1M m/sparse
	dd if=/dev/zero of=small/filler bs=4k 2>/dev/null
	try "$SC" fd open:m/sparse:rw mmap:rw:65536 store:0:LOST store:8192:LOST msync fsync close open:m/sparse:r fsync
	rm small/filler
	try "$SC" fd open:m/sparse:rw mmap:rw:65536 store:0:KEPT msync
	check_equal "the upper has it" KEPT "$(head -c 4 small/u/sparse)"
	union_umount "$BASE/m"
	umount small
}
