# SPDX-License-Identifier: Apache-2.0
# title: O_TMPFILE makes a file without a name that linkat gives one

layers() {
	mkdir l1/dir
	put l1/dir/x 1
}

scenario() {
	[ "$("$SC" fd open:dir:rw,tmp:600)" != "open:dir:rw,tmp:600 -> EOPNOTSUPP" ] ||
		unsupported "the libfuse in use has no tmpfile operation"
	try sc fd open:dir:rw,tmp:644 write:unnamed pread:0:9 fstat link:dir/named fstat
	try sh -c 'cat dir/named 2>&1'
	try sc fd open:dir:rw,tmp,excl:644 link:dir/never
	try ls -A dir
}
