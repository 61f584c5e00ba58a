# SPDX-License-Identifier: Apache-2.0
# title: without a right to override permissions a file that can only be written is written at any offset
# labels: quick
# not-mounted: yes
# needs: setpriv

layers() {
	local f

	for f in write append truncate extend copy trunc sync; do
		put upper/$f "some content"
		chmod 200 upper/$f
	done
	put upper/read "read"
	chmod 400 upper/read
	put upper/none "none"
	chmod 0 upper/none
	put upper/appended "first"
	chmod 200 upper/appended
	"$SC" flags upper/appended +a
}

scenario() {
	local b=$BASE weakly="setpriv --bounding-set=-dac_override,-dac_read_search"

	printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$weakly" "$PLYFS" >weak
	chmod 755 weak
	[ "$FS" = kernel ] || PLYFS=$b/weak
	check "mounted" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	cd "$b/merged" || return
	try $weakly "$SC" fd open:write:w pwrite:5:CONTENT pwrite:0:SOME
	try $weakly "$SC" fd open:append:w,append write:more
	try $weakly "$SC" fd open:truncate:w ftruncate:4
	try $weakly "$SC" fd open:extend:w fallocate:0:0:100
	try $weakly "$SC" fd open:read:r open:copy:w use:0 copyto:1:0:5:4
	try $weakly "$SC" fd open:trunc:w,trunc pwrite:2:x
	try $weakly "$SC" fd open:sync:w pwrite:2:x fsync fdatasync
	try $weakly "$SC" fd open:appended:w,append write:more
	try $weakly "$SC" fd open:write:r
	try $weakly "$SC" fd open:read:w
	try $weakly "$SC" fd open:read:r pread:0:4
	try $weakly "$SC" fd open:none:w
	try $weakly "$SC" chmod none 600
	try $weakly "$SC" fd open:none:rw pwrite:1:O pread:0:4
	cd "$b" || return
	check "unmounted" union_umount "$b/merged"
	try head -c 100 upper/{write,append,truncate,copy,trunc,sync,appended,none}
	try stat_of '%n %s' upper/*
	sc flags upper/appended -a >/dev/null
}
