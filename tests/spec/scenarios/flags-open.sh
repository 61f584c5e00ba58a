# SPDX-License-Identifier: Apache-2.0
# title: opening an immutable file to write, or an append-only one to overwrite, is refused at the open
# labels: quick
# expect-diff: open:(file|log) no open reaches the daemon: the write is refused instead, or the open with copyup=open

layers() {
	put l1/file "content"
	put l1/log "log"
}

scenario() {
	try sc flags file +i
	try sc flags log +a
	try sc fd open:file:w
	try sc fd open:log:w
	try sc fd open:file:r read:20
	try cat file log
	try sc flags file -i
	try sc flags log -a
}
