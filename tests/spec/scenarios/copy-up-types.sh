# SPDX-License-Identifier: Apache-2.0
# title: copy-up keeps owner, mode, attributes and times to the nanosecond for every type
# labels: quick

layers() {
	mkdir l1/dir
	fill l1/dir/file 50000
	ln -s target l1/dir/link
	mkfifo l1/dir/fifo
	mknod l1/dir/chr c 1 7
	mknod l1/dir/blk b 7 100
	"$SC" mknod l1/dir/sock sock 600 >/dev/null
	mkdir l1/dir/sub
	: >l1/dir/empty
	local f
	for f in file fifo chr blk sock sub empty; do
		chown 41:42 "l1/dir/$f"
		chmod 1751 "l1/dir/$f"
		setfattr -n trusted.kept -v "$f" "l1/dir/$f"
	done
	setfattr -n user.kept -v yes l1/dir/file
	setfattr -h -n trusted.kept -v link l1/dir/link
	chown -h 43:44 l1/dir/link
	chmod 6711 l1/dir/file
}

scenario() {
	local f

	for f in file link fifo chr blk sock sub empty; do
		try sc chown dir/$f 0xffffffff 45 nofollow
	done
	for f in file link fifo chr blk sock sub empty; do
		(cd "$BASE/upper" && stat -c '%n %F %a %u:%g %s %t:%T %.9X %.9Y' "dir/$f")
		try sc xattr list dir/$f
	done
	try md5sum dir/file
	mtime_of dir
}
