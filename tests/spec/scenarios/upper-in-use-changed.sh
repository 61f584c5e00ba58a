# SPDX-License-Identifier: Apache-2.0
# title: a read-only mount of an upper in use sees xattrs that its directories and files get and lose
# labels: quick
# plyfs-only: the kernel warns, and says that what is shown then is undefined
# not-mounted: yes
# timeout: 60

layers() {
	fill l1/big 200000
	put l1/file file
	put l1/gone gone
	mkdir l1/dir merged2
}

same() {
	check "$1: data" diff <(cd merged && md5sum big file) <(cd merged2 && md5sum big file)
	check "$1: attributes" diff <(cd merged && stat -c '%n %i %s %b %a' -- *) <(cd merged2 && stat -c '%n %i %s %b %a' -- *)
	check "$1: numbers" diff <(cd merged && sc inodes .) <(cd merged2 && sc inodes .)
}

scenario() {
	local b=$BASE options="lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,redirect_dir=on,metacopy=on"

	check "the first mount" union "$b/merged" "$options"
	check "the second one" union "$b/merged2" "$options,ro"
	same "nothing yet"
	chmod 600 merged/big
	check "metadata alone" getfattr -n trusted.overlay.metacopy --absolute-names upper/big
	same "metadata alone is copied"
	echo more | dd of=merged/big conv=notrunc status=none
	same "the data follows"
	echo more >>merged/file
	touch merged/dir/new
	same "files and directories are copied"

	# As a mount does it where it can't make devices.
	setfattr -n trusted.overlay.opaque -v x upper
	: >upper/gone
	setfattr -n trusted.overlay.whiteout -v y upper/gone
	check_equal "a whiteout of the other form" "big dir file " "$(ls merged2 | tr '\n' ' ')"
	check "which can't be looked up" sh -c '! stat merged2/gone 2>/dev/null'
	check "both go" sh -c "umount '$b/merged2' && umount '$b/merged'"
}
