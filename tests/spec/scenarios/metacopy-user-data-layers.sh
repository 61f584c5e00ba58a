# SPDX-License-Identifier: Apache-2.0
# title: with userxattr a file's data is looked for elsewhere in data-only layers alone
# labels: quick
# options: userxattr
# kernel-options: userxattr,index=off,xino=off

layers() {
	local layer

	for layer in l1 l2; do
		put $layer/$layer 1
	done
	truncate -s 5 l1/upper-lower l2/data l2/elsewhere l2/other-namespace
	setfattr -n user.overlay.metacopy l1/upper-lower
	setfattr -n user.overlay.redirect -v /ab/data l1/upper-lower
	setfattr -n user.overlay.metacopy l2/data
	setfattr -n user.overlay.redirect -v /ab/data l2/data
	setfattr -n user.overlay.metacopy l2/elsewhere
	setfattr -n user.overlay.redirect -v secret l2/elsewhere
	setfattr -n trusted.overlay.metacopy l2/other-namespace
	setfattr -n trusted.overlay.redirect -v /ab/data l2/other-namespace
	put l2/secret "sssh"
	put d1/ab/data "data"
}

scenario() {
	try cat data
	try cat upper-lower
	try cat elsewhere
	check "an xattr of the other namespace is none" [ "$(tr -d '\0' <other-namespace | wc -c)" = 0 ]
	try chmod 600 data
	try cat data
	put data "changed"
	remount
	try cat data
	try getfattr -m - data
}
