# SPDX-License-Identifier: Apache-2.0
# title: with whiteouts=aufs no name that begins with .wh. can be made, and making one harms nothing
# labels: quick
# plyfs-only: an option of plyfs's own
# options: whiteouts=aufs

layers() {
	put l1/victim "alive"
	put l1/dir/file "alive"
}

refused() { # COMMAND...: with EPERM
	local said

	said=$("$@" 2>&1) && echo "it succeeded" && return 1
	case $said in
	*"Operation not permitted"*) return 0 ;;
	esac
	echo "$said"
	return 1
}

scenario() {
	echo mine >mine
	check "a file" refused touch .wh.victim
	check "a directory" refused mkdir .wh.victim
	check "a symlink" refused ln -s x .wh.victim
	check "a fifo" refused mkfifo .wh.victim
	check "a link" refused ln mine .wh.victim
	check "a link of a lower file" refused ln victim .wh.other
	check "a rename" refused mv mine .wh.victim
	check "a rename of a directory" refused mv dir .wh.victim
	check "an opaque name" refused touch dir/.wh..wh..opq
	check "the bare prefix" refused touch .wh.
	check "an attribute of that dialect" refused setfattr -n user.fuseoverlayfs.opaque -v y dir
	check "nothing was copied up for it" test ! -e "$BASE/upper/victim" -a ! -e "$BASE/upper/dir"
	check "such a name isn't there to be removed" test "$(rm .wh.victim 2>&1)" = "rm: cannot remove '.wh.victim': No such file or directory"
	check "a name that only looks like it" touch .wh wh.victim .whvictim
	check_equal "names" ".wh .whvictim dir mine victim wh.victim " "$(ls -A | sort | tr '\n' ' ')"
	check_equal "the victim" "alive" "$(cat victim)"
	remount
	check_equal "the victim after a remount" "alive" "$(cat victim)"
	check_equal "and the directory" "alive" "$(cat dir/file)"
}
