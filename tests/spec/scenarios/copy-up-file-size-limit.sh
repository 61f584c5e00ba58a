# SPDX-License-Identifier: Apache-2.0
# title: a process's limit of file sizes bounds what it writes, not the copy-up of a larger file
# labels: quick
# plyfs-only: the kernel's overlayfs copies as the process and fails with EFBIG

layers() {
	fill l1/file 10000
}

scenario() {
	try sh -c 'ulimit -f 8; trap "" XFSZ; exec "$SC" fd open:file:rw pwrite:100:x pwrite:4095:yz pwrite:4096:z fsync fstat'
	check "all the rest is there" sh -c '[ "$(cmp -l file "$BASE/l1/file" | wc -l)" -le 2 ]'
}
