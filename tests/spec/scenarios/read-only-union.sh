# SPDX-License-Identifier: Apache-2.0
# title: a union without an upper shows all layers and refuses every change with EROFS
# labels: quick
# no-upper: yes

layers() {
	put l1/file "top"
	put l2/file "below"
	put l1/dir/a 1
	put l2/dir/b 2
	whiteout l1/gone
	put l2/gone 1
	ln -s file l1/link
}

scenario() {
	try ls -A . dir
	try cat file link gone
	try touch new
	try sh -c 'echo x >>file'
	try sh -c 'echo x >new'
	try mkdir d
	try rm -f file
	try rmdir dir
	try mv file moved
	try ln file linked
	try ln -s x y
	try chmod 600 file
	try chown 1 file
	try truncate -s 0 file
	try sc utimens file 1 2
	try sc xattr set file user.a 1
	try sc mknod p fifo 644
	try sc fd open:file:rw
	try sc fd open:file:r fsync read:10
	try sc flags file +i
}
