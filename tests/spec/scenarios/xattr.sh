# SPDX-License-Identifier: Apache-2.0
# title: attributes are set, read, listed and removed on files and directories of every layer
# labels: quick

layers() {
	put l1/low "low"
	setfattr -n user.one -v 1 l1/low
	setfattr -n user.two -v 2 l1/low
	setfattr -n trusted.three -v 3 l1/low
	mkdir l1/dir
	setfattr -n user.d -v d l1/dir
	put l1/ro "ro"
	chmod 444 l1/ro
	setfattr -n user.r -v r l1/ro
}

scenario() {
	try sc xattr list low
	try sc xattr get low user.one
	try sc xattr get low trusted.three
	try sc xattr get low user.missing
	try sc xattr set low user.one changed
	try sc xattr set low user.one x create
	try sc xattr set low user.four x replace
	try sc xattr set low user.four 4 create
	try sc xattr set low user.empty ''
	try sc xattr get low user.empty
	try sc xattr remove low user.two
	try sc xattr remove low user.two
	try sc xattr list low
	mtime_of low
	try sc xattr set dir user.e e
	try sc xattr list dir
	try sc xattr set dir trusted.big "$(printf '%02000d' 7)"
	try sc xattr get low nonsense.x
	try sc xattr set low nonsense.x 1
	as 9:9 "$SC" xattr get ro user.r
	as 9:9 "$SC" xattr set ro user.r denied
	as 9:9 "$SC" xattr get low trusted.three
	as 9:9 "$SC" xattr list low
	try sc xattr set low "user.$(printf '%0251d' 1)" 1
	try sc fd open:low:r getxattr:user.one setxattr:user.fd:yes getxattr:user.fd
	remount
	try sc xattr list low
	try sc xattr list dir
}
