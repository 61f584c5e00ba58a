# SPDX-License-Identifier: Apache-2.0
# title: a stranger's chown that changes neither id never takes setuid away
# expect-diff: ^observations:.*fchown the request is the same as that before a write of theirs, so it can't be refused
# labels: quick

layers() {
	put l1/lower 1
	put upper/upper 1
	put l1/none 1
	chown 31:32 l1/lower l1/none upper/upper
	chmod 6755 l1/lower upper/upper
	chmod 2745 l1/none
}

scenario() {
	as 9:9 "$SC" fd open:lower:r fchown:-1:-1 fstat
	as 9:9 "$SC" fd open:none:r fchown:-1:-1 fstat
	as 9:9 "$SC" fd open:upper:r fchown:-1:-1 fstat
	stat_of '%n %a %u %g' ./*
}
