# SPDX-License-Identifier: Apache-2.0
# title: an open lower file lives on after its name is gone: read, written, truncated, changed
# plyfs-only: the kernel says nlink 1 and refuses fchmod with EEXIST

layers() {
	put l1/file "lower content"
	put l1/second "second"
	put l1/third "third"
}

steps() {
	"$SC" fd "$@" | sed 's/^.* -> //' | tr '\n' '|'
}

scenario() {
	check_equal "read only" "ok||mode 100644 owner 0:0 size 14 nlink 0|14 lower\\x20content\\x0a|ok|mode 100600 owner 0:0 size 14 nlink 0|" \
		"$(steps open:file:r sh:'rm file' fstat pread:0:20 fchmod:600 fstat | sed 's/sh:rm file -> //')"
	check_equal "written" "ok||3|7 SECond\\x0a|ok|mode 100644 owner 0:0 size 2 nlink 0|ok|mode 100644 owner 5:6 size 2 nlink 0|ok|" \
		"$(steps open:second:rw sh:'rm second' pwrite:0:SEC pread:0:20 ftruncate:2 fstat fchown:5:6 fstat fsync)"
	check_equal "replaced by rename" "ok||6 third\\x0a|1|6 Xhird\\x0a|" \
		"$(steps open:third:rw sh:'echo new >n; mv n third' pread:0:20 pwrite:0:X pread:0:20)"
	check_equal "the new one is untouched" new "$(cat third)"
	check_equal "what is there" third "$(ls -A)"
	upper_has file
	upper_has second
}
