# SPDX-License-Identifier: Apache-2.0
# title: xattrs count on a file system whose listxattr leaves them out, in the upper and in layers, over a remount
# labels: quick
# needs: setfattr
# not-mounted: yes

layers() {
	put l1/dir/f low
	put l1/file low
	put l1/sub/deep/f low
	put l1/moved/f low
	put l1/kept low
	mkdir -p m disk poor
}

over() {
	union "$BASE/m" "$1" || echo "FAIL: mount"
}

# What it shows, with numbers that don't change.
look() {
	find m -mindepth 1 -printf '%P %y\n' | sort
	grep -r . m | sort
}

# The kernel's half is on the directory itself.
scenario() {
	local on=$BASE/disk numbers

	[ "$FS" = kernel ] || "$POOR" disk poor attributes unlisted devices || echo "FAIL: poor"
	[ "$FS" = kernel ] || on=$BASE/poor
	mkdir "$on/u" "$on/w"
	over "redirect_dir=on,lowerdir=$BASE/l1,upperdir=$on/u,workdir=$on/w"
	try rm -r m/dir m/file
	try mkdir m/dir
	try touch m/dir/new
	try mv m/moved m/sub/moved
	try sh -c 'echo more >>m/kept'
	try setfattr -n trusted.mine -v 1 m/kept
	numbers=$(cd m && find . -printf '%i %P\n' | sort)
	try look
	union_umount m || echo "FAIL: unmount"
	over "redirect_dir=on,lowerdir=$BASE/l1,upperdir=$on/u,workdir=$on/w"
	try look
	check_equal "numbers" "$numbers" "$(cd m && find . -printf '%i %P\n' | sort)"
	union_umount m || echo "FAIL: unmount"
	# The upper as a layer, beneath another upper and read-only.
	mkdir u2 w2
	over "redirect_dir=on,lowerdir=$on/u:$BASE/l1,upperdir=$BASE/u2,workdir=$BASE/w2"
	try look
	try sh -c 'echo again >>m/dir/new'
	try look
	union_umount m || echo "FAIL: unmount"
	over "redirect_dir=on,lowerdir=$on/u:$BASE/l1"
	try sh -c 'cd m && find . -mindepth 1 | sort'
	union_umount m || echo "FAIL: unmount"
	# A file without data is none in a layer whose xattrs aren't listed.
	mkdir "$on/meta"
	metacopy "$on/meta/kept" 4
	over "lowerdir=$on/meta:$BASE/l1,redirect_dir=on,metacopy=on"
	try cat m/kept
	union_umount m || echo "FAIL: unmount"
	over "lowerdir=$on/meta:$BASE/l1"
	try cat m/kept
	union_umount m || echo "FAIL: unmount"
	[ "$FS" = kernel ] || umount poor
}
