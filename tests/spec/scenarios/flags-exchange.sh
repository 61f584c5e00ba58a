# SPDX-License-Identifier: Apache-2.0
# title: immutable and append-only files are kept in the upper as the kernel keeps them, and the other side sees them
# labels: quick
# expect-diff: upper:.(dir|immutable|log|up)\| the flag itself stands beside the xattr: the FUSE side of the kernel can't enforce what it doesn't know

layers() {
	put l1/immutable "content"
	put l1/log "log"
	put upper/up "up"
	mkdir l1/dir
	put l1/dir/x 1
}

scenario() {
	try sc flags immutable +i
	try sc flags log +a
	try sc flags up +i
	try sc flags dir +i
	try touch dir/new
	try rm -f dir/x
}
