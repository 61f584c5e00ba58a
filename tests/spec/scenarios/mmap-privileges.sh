# SPDX-License-Identifier: Apache-2.0
# title: a store through a mapping takes neither setuid, setgid nor capabilities away, also of what got them since
# labels: quick
# needs: setcap

layers() {
	local dir

	for dir in l1/low upper/up; do
		fill $dir/setuid 8k
		fill $dir/made-setuid 8k
		cp /bin/true $dir/capable
		cp /bin/true $dir/made-capable
		chmod 6755 $dir/setuid
		setcap cap_net_raw+ep $dir/capable
	done
}

scenario() {
	local dir

	for dir in low up; do
		sc fd open:$dir/setuid:rw mmap:rw:8192 store:10:NEW munmap fsync
		sc fd open:$dir/made-setuid:rw mmap:rw:8192 store:10:NEW fchmod:6755 munmap fsync
		sc fd open:$dir/capable:rw mmap:rw:8192 store:10:NEW munmap fsync
		sc fd open:$dir/made-capable:rw mmap:rw:8192 store:10:NEW sh:"setcap cap_net_raw+ep $dir/made-capable" munmap fsync
		stat_of '%n %a' $dir/*
		sc xattr list $dir/capable
		sc xattr list $dir/made-capable
		sc fd open:$dir/capable:rw pwrite:10:NEW
		sc xattr list $dir/capable
	done
}
