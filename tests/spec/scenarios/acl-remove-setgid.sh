# SPDX-License-Identifier: Apache-2.0
# title: an access ACL that somebody outside the group removes takes the setgid bit along
# labels: quick
# needs: setfacl

layers() {
	local name

	for name in theirs own root default; do
		mkdir l1/$name
		setfacl -m u:9:rx l1/$name
		setfacl -d -m u:9:rx l1/$name
		chown 31:40 l1/$name
		chmod 2755 l1/$name
	done
	put l1/file 1
	setfacl -m u:9:rx l1/file
	chown 31:40 l1/file
	chmod 2755 l1/file
}

scenario() {
	as 31:31 "$SC" xattr remove theirs system.posix_acl_access
	as 31:31 "$SC" xattr remove file system.posix_acl_access
	as 31:40 "$SC" xattr remove own system.posix_acl_access
	as 31:31 "$SC" xattr remove default system.posix_acl_default
	try sc xattr remove root system.posix_acl_access
	stat_of '%n %a' theirs file own default root
}
