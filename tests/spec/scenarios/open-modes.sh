# SPDX-License-Identifier: Apache-2.0
# title: open in each mode gives what the mode and the permissions say
# labels: quick
# expect-diff: upper:.none\| the copy-up comes with the first change, not with the open

layers() {
	put l1/file "content"
	chmod 644 l1/file
	put l1/secret "secret"
	chmod 600 l1/secret
	put l1/group "group"
	chown 0:40 l1/group
	chmod 660 l1/group
	mkdir -m 700 l1/closed
	put l1/closed/file 1
	ln -s file l1/link
	put l1/none 1
	chmod 000 l1/none
}

scenario() {
	try sc fd open:file:r read:100 write:x
	try sc fd open:file:w read:100 write:CONT
	try sc fd open:file:rw read:4 write:X pread:0:100
	try sc fd open:link:r,nofollow
	try sc fd open:file:r,dir
	try sc fd open:closed:w
	try sc fd open:missing:r
	try sc fd open:file/x:r
	try sc fd open:none:rw read:10
	as 9:9 "$SC" fd open:secret:r open:secret:w open:file:r open:file:rw open:closed/file:r open:group:r open:none:r
	as 9:9:40 "$SC" fd open:group:rw read:100 write:more
	as 9:40 "$SC" fd open:group:r read:100
	try cat file group
	upper_has secret
	upper_has closed
}
