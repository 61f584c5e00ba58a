# SPDX-License-Identifier: Apache-2.0
# title: file flags are read, set and obeyed, on lower files too
# labels: quick
# needs: chattr

layers() {
	put l1/file "content"
	put l1/log "log"
	mkdir l1/dir
	put l1/plain 1
	ln -s file l1/link
}

scenario() {
	try sc flags file
	try sc flags file +i
	try sc flags file
	check "a write fails" sh -c '! echo no >>file'
	try rm -f file
	try mv file moved
	try ln file linked
	try chmod 600 file
	try cat file
	try sc flags file -i
	try sh -c 'echo yes >>file; cat file'
	try sc flags log +a
	try sc flags log
	try sc fd open:log:w,append write:appended
	check "a write elsewhere than at the end fails" sh -c '! "$SC" fd open:log:w pwrite:0:X fsync | grep -q "^pwrite.* 1"'
	try cat log
	try sc flags log -a
	try sc flags plain +d
	try sc flags plain
	try sc flags dir
	as 9:9 "$SC" flags plain +i
	try rm file log
	try ls -A
}
