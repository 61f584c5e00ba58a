# SPDX-License-Identifier: Apache-2.0
# title: the immutable flag of a copied-up file holds over a remount
# labels: quick
# needs: chattr

layers() {
	put l1/file "content"
	put l1/log "log"
}

scenario() {
	try sc flags file +i
	try sc flags log +a
	remount
	try sc flags file
	try sc flags log
	check "a write fails" sh -c '! echo no >>file'
	try rm -f file log
	try sc fd open:log:w,append write:more
	try sc flags file -i
	try sc flags log -a
	try sh -c 'echo yes >>file; cat file log'
}
