# SPDX-License-Identifier: Apache-2.0
# title: what was duplicated in the upper, xattrs and all, are two files and two directories
# labels: quick
# options: redirect_dir=on
# plyfs-only: the kernel answers ESTALE for the second of them

layers() {
	put l1/file "lower"
	put l1/dir/low "in dir"
	put l1/old/below "in the redirected one"
}

apart() {
	check "$1: two numbers of $2 and $3" test "$(stat -c %i "$2")" != "$(stat -c %i "$3")"
	check "$1: not the same $2 and $3" test ! "$2" -ef "$3"
}

all_apart() {
	apart "$1" file copy
	apart "$1" file dir/copy
	apart "$1" copy dir/copy
	apart "$1" dir twin
	apart "$1" moved moved2
	apart "$1" dir/low twin/low
}

scenario() {
	local number

	echo more >>file
	echo more >>dir/low
	mv old moved
	number=$(stat -c %i file)
	cd "$BASE" || return
	unmount_it
	cp -a upper/file upper/copy
	echo other >>upper/copy
	cp -a upper/file upper/dir/copy
	cp -a upper/dir upper/twin
	cp -a upper/moved upper/moved2
	mount_it
	cd merged || return
	check "the copy is read" grep -q other copy
	all_apart "copies first"
	check "they compare as different" sh -c '! cmp -s file copy'
	check "one is copied over the other" cp file copy
	remount
	check_equal "the first that is asked keeps the number" "$number" "$(stat -c %i file)"
	all_apart "again"
	echo new >>file
	remount
	stat file copy twin moved >/dev/null
	ls -U >/dev/null
	mv copy renamed
	check_equal "readers of the directory are told the same numbers, also after a rename" "" "$(sc inodes . | grep "d_ino DIFFERS.*same")"
	mv renamed copy
	check "a walk meets no loop" sh -c 'find . -ls >/dev/null && rm -r twin moved2 copy dir'
}
