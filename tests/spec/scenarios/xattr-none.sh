# SPDX-License-Identifier: Apache-2.0
# title: a file without attributes gives the errors of one: unknown kinds of names, ACLs that aren't there
# labels: quick

layers() {
	put l1/low "low"
	put l1/copied "copied"
	mkdir l1/dir
}

scenario() {
	put new "new"
	try chmod 600 copied
	for name in low copied new dir; do
		try sc xattr get $name nonsense.x
		try sc xattr remove $name nonsense.x
		try sc xattr get $name user.x
		try sc xattr remove $name user.x
		try sc xattr remove $name security.x
		try sc xattr remove $name trusted.x
		try sc xattr remove $name system.posix_acl_access
		try sc xattr remove $name system.posix_acl_default
		try sc xattr set $name system.posix_acl_access ''
	done
}
