# SPDX-License-Identifier: Apache-2.0
# title: an image of metadata over a store of files by their digests shows one tree, and can be changed
# labels: quick
# not-mounted: yes
# needs: mkfs.erofs

# object TEXT: into the store; prints its path there.
object() {
	local digest

	digest=$(printf '%s\n' "$1" | sha256sum | cut -d' ' -f1)
	put "d1/${digest:0:2}/${digest:2}" "$1"
	echo "/${digest:0:2}/${digest:2}"
}

entry() {
	metacopy "image/$1" $((${#2} + 1)) "$(object "$2")"
}

layers() {
	entry bin/tool "a tool"
	chmod 4755 image/bin/tool
	entry etc/config "a config"
	entry etc/same "a config"
	setfattr -n user.color -v blue image/etc/same
	entry lib/hello/world "hello"
	put image/etc/inline "small files lie in the image"
	ln -s tool image/bin/link
	mkdir -p l1 upper work image/empty
	entry lib/lost "lost"
	rm "d1$(object lost)"
	mkfs.erofs image.erofs image
	rm -rf image
}

look() {
	(cd merged && find . -printf '%p %y %m %l\n' | sort && find . -type f -printf '%p %s\n' | sort && find . -type f ! -name lost -exec md5sum {} + | sort)
}

xattrs() {
	local path

	for path in $(find "$@" \( -type f -o -type d \) | sort); do
		getfattr -h -d -m 'trusted.overlay.(metacopy|redirect)' "$path"
	done
}

scenario() {
	mkdir -p meta
	if ! mount -o loop,ro -t erofs image.erofs meta 2>/dev/null; then
		echo "no erofs in this kernel" >&2
		unsupported "erofs can't be mounted"
	fi
	union merged "lowerdir=meta::d1"
	try look
	try getfattr -d merged/etc/same
	check "missing data is no data" sh -c '! cat merged/lib/lost'
	try union_umount merged
	union merged "metacopy=on,redirect_dir=on,lowerdir=meta::d1,upperdir=upper,workdir=work"
	try look
	try chmod 600 merged/etc/config
	try mv merged/etc/config merged/config
	try ln merged/etc/same merged/same2
	try mv merged/lib merged/lib2
	echo more >>merged/lib2/hello/world
	echo more >>merged/same2
	try look
	try union_umount merged
	union merged "metacopy=on,redirect_dir=on,lowerdir=meta::d1,upperdir=upper,workdir=work"
	try look
	echo changed >merged/config
	try cat merged/config
	try union_umount merged
	try xattrs upper
	umount meta
}
