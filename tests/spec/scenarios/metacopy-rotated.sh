# SPDX-License-Identifier: Apache-2.0
# title: files that were copied up without data have it when their upper has become a lower layer
# labels: quick
# not-mounted: yes

options() {
	echo "redirect_dir=on,metacopy=on,lowerdir=$1,upperdir=$2,workdir=work"
}

layers() {
	fill l2/a 1M 1
	fill l2/dir/b 1M 2
	fill l2/dir/sub/c 1M 3
	fill l1/dir/d 1M 4
	mkdir -p upper2 upper3
}

look() {
	(cd merged && find . | sort && find . -type f -printf '%p %m %s %b\n' | sort && find . -type f -exec md5sum {} + | sort)
}

xattrs() {
	local path

	for path in $(find "$@" \( -type f -o -type d \) | sort); do
		getfattr -h -d -m 'trusted.overlay.(metacopy|redirect)' "$path"
	done
}

scenario() {
	union merged "$(options l1:l2 upper)"
	try chmod 600 merged/a merged/dir/b
	try mv merged/a merged/dir/a2
	try mv merged/dir/sub/c merged/c
	try mv merged/dir merged/dir2
	try chmod 640 merged/dir2/d
	try mv merged/dir2/d merged/dir2/e
	try look
	try union_umount merged
	union merged "$(options upper:l1:l2 upper2)"
	try look
	try chown 3:4 merged/dir2/a2 merged/c
	try mv merged/dir2/a2 merged/a
	try mv merged/dir2 merged/dir3
	try mv merged/dir3/b merged/b
	echo more >>merged/dir3/e
	try look
	try union_umount merged
	union merged "$(options upper2:upper:l1:l2 upper3)"
	try look
	try truncate -s 0 merged/a
	echo x >>merged/b
	try look
	try union_umount merged
	try xattrs upper upper2 upper3
}
