# SPDX-License-Identifier: Apache-2.0
# title: on an upper without attributes .wh. names mark what is removed; without them a directory over a removed one answers EIO
# plyfs-only: the kernel mounts such an upper read-only
# not-mounted: yes

layers() {
	mkdir -p m poor
	put l1/dir/f 1
	put l1/file 1
	put l1/other 1
}

# changes OPTIONS
changes() {
	mkdir poor/u poor/w
	union "$BASE/m" "lowerdir=l1,upperdir=poor/u,workdir=poor/w$1" || echo "FAIL: mount"
	cd m
	check_equal "a lower file" "1 2" "$(echo 2 >>file; echo $(cat file))"
	check "a new one" sh -c 'echo n >new; mkdir made'
	check "rm" rm other
	check_equal "names" "dir file made new" "$(echo $(ls))"
	check "rm -r" rm -r dir
}

done_with() {
	cd "$BASE"
	union_umount "$BASE/m" || echo "FAIL: unmount"
	rm -rf poor/u poor/w
}

scenario() {
	mount -t ramfs ramfs poor
	changes ,whiteouts=overlay
	check "the mount says what it can't" grep -q "a directory can't be made over a removed one" "$BASE/m.log"
	check "mkdir over the removed one answers EIO" sh -c 'mkdir dir 2>&1 | grep -q "Input/output error"'
	check "nothing of it is there" test ! -e dir
	check "whiteouts are devices" test -c "$BASE/poor/u/other"
	done_with
	changes ""
	check "the mount says what it does" grep -q "names that begin with .wh. mark what is removed" "$BASE/m.log"
	check "mkdir over the removed one" mkdir dir
	check_equal "shows nothing from below" "" "$(ls -A dir)"
	check "whiteouts are names" test -f "$BASE/poor/u/.wh.other" -a -f "$BASE/poor/u/.wh.dir"
	done_with
	umount poor
	# None is kept, though setting one succeeds.
	mkdir disk
	"$POOR" disk poor pretended devices || echo "FAIL: poor"
	changes ""
	check "the mount says what it does" grep -q "names that begin with .wh. mark what is removed" "$BASE/m.log"
	check "mkdir over the removed one" mkdir dir
	cd "$BASE"
	union_umount m || echo "FAIL: unmount"
	union "$BASE/m" "lowerdir=l1,upperdir=poor/u,workdir=poor/w" || echo "FAIL: mount"
	check_equal "shows nothing from below after a remount" "" "$(ls -A m/dir)"
	done_with
	umount poor
}
