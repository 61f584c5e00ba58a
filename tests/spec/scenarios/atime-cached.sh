# SPDX-License-Identifier: Apache-2.0
# title: a read sets the access time, but a read from the kernel's cache sets none
# labels: quick
# base-options: strictatime
# expect-diff: cached what the kernel has in its cache it doesn't ask for

layers() {
	put upper/file "content"
	touch -a -d 2001-01-01 upper/file
}

# accessed WHAT: whether the access time of the file is from before the scenario
accessed() {
	local when=new

	[ "$(stat -c %X file)" -gt 1000000000 ] || when=old
	echo "$1: $when"
}

scenario() {
	cat file
	accessed "first read"
	touch -a -d 2001-01-01 file
	cat file
	accessed "cached read"
}
