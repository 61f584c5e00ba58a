# SPDX-License-Identifier: Apache-2.0
# title: a file that was made without a name has its owner and mode in an attribute too
# plyfs-only: options of its own
# options: xattr_permissions=2
# needs: getfattr

layers() {
	mkdir -m 2777 l1/dir
	chown 5:40 l1/dir
}

scenario() {
	[ "$("$SC" fd open:dir:rw,tmp:600)" != "open:dir:rw,tmp:600 -> EOPNOTSUPP" ] ||
		unsupported "the libfuse in use has no tmpfile operation"
	umask 027
	check_equal "made" "fstat -> mode 100640 owner 31:40 size 5 nlink 0" \
		"$(sc as 31:32 "$SC" fd open:dir:rw,tmp:666 write:hello fstat link:dir/named | grep fstat)"
	check_equal "named" "640 31:40" "$(stat -c '%a %u:%g' dir/named)"
	check_equal "on disk" "31:40:0640:file" "$(getfattr --only-values -n user.containers.override_stat "$BASE/upper/dir/named")"
}
