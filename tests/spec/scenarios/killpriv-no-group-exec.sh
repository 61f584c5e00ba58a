# SPDX-License-Identifier: Apache-2.0
# title: a write by a stranger clears setgid also where the group may not execute
# labels: quick
# may-diff: (file|fstat) the FUSE kernel side leaves this bit alone where the libfuse in use has no killpriv version 2

layers() {
	put l1/file "content"
	chown 31:32 l1/file
	chmod 6767 l1/file
}

scenario() {
	as 9:9 "$SC" fd open:file:w write:x fstat
	check "setuid is gone in any case" test ! -u file
}
