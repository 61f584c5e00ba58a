# SPDX-License-Identifier: Apache-2.0
# title: stores through a shared mapping on a full upper kill nobody and hang nothing, and there is space for them once it is made
# plyfs-only: the kernel refuses the store with SIGBUS
# not-mounted: yes

layers() {
	mkdir m small
}

scenario() {
	local stores=() i

	mount -t tmpfs -o size=4m small small
	mkdir small/u small/w
	union "$BASE/m" "lowerdir=l1,upperdir=small/u,workdir=small/w" || echo "FAIL: mount"
	truncate -s 1M m/sparse
	dd if=/dev/zero of=small/filler bs=4k 2>/dev/null
	try "$SC" fd open:m/sparse:rw mmap:rw:65536 store:0:LOST store:8192:LOST msync fsync close open:m/sparse:r fsync
	rm small/filler
	try "$SC" fd open:m/sparse:rw mmap:rw:65536 store:0:KEPT msync
	check_equal "the upper has it" KEPT "$(head -c 4 small/u/sparse)"

	# Of what is written at once there is space for the first half.
	truncate -s 64K m/half
	for i in $(seq 0 4096 61440); do
		stores+=("store:$i:HALF")
	done
	dd if=/dev/zero of=small/filler bs=4k "count=$(($(stat -f -c %a small) - 8))" 2>/dev/null
	"$SC" fd open:m/half:rw mmap:rw:65536 "${stores[@]}" fsync >seen
	check_equal "that is no success" "fsync -> ENOSPC" "$(grep fsync seen)"
	check_equal "half of it is there" 8 "$(grep -a -o HALF small/u/half | wc -l)"
	union_umount "$BASE/m"
	umount small
}
