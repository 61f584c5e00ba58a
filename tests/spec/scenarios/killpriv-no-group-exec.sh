# SPDX-License-Identifier: Apache-2.0
# title: a write by a stranger clears setgid also where the group may not execute, one by a member of the group does not
# labels: quick

layers() {
	put l1/file "content"
	chown 31:32 l1/file
	chmod 6767 l1/file
	cp -a l1/file l1/member
	cp -a l1/file l1/short
}

scenario() {
	as 9:9 "$SC" fd open:file:w write:x fstat
	check "setuid is gone in any case" test ! -u file
	as 9:9:32 "$SC" fd open:member:w write:x fstat
	as 9:9 "$SC" fd open:short:w ftruncate:3 fstat
	stat_of '%n %a' ./*
}
