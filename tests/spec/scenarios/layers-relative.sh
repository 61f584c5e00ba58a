# SPDX-License-Identifier: Apache-2.0
# title: layers are named by relative paths and through symlinks too
# labels: quick
# not-mounted: yes

layers() {
	put l1/file 1
	put real/other 2
	ln -s real link
	ln -s upper uplink
}

scenario() {
	cd "$BASE"
	union "$BASE/merged" "lowerdir=l1:link,upperdir=uplink,workdir=work"
	try ls -A merged
	try sh -c 'echo more >>merged/file; cat merged/file merged/other'
	union_umount "$BASE/merged"
	try ls -A upper
}
