# SPDX-License-Identifier: Apache-2.0
# title: files of several subvolumes have numbers of their own, which readdir tells, and which stay over copy-up and when all is mounted anew
# labels: quick
# needs: mkfs.btrfs btrfs
# plyfs-only: the kernel shows the numbers that files have in their subvolumes, which are the same
# not-mounted: yes

attach() { mount -o loop,noatime "$BASE/bt.image" "$BASE/bt"; }

layers() {
	local sub

	grep -q -w btrfs /proc/filesystems || unsupported "the kernel has no btrfs"
	truncate -s 400M bt.image
	mkfs.btrfs -q bt.image
	mkdir bt cache
	attach
	cd bt
	mkdir low upper work
	for sub in low/a low/b upper/u upper/v low/origin; do
		btrfs -q subvolume create "$sub"
		put "$sub/x" "$sub"
		put "$sub/d/z" "$sub in a directory"
	done
	btrfs -q subvolume snapshot low/origin low/origin/snap
	# a layer that is a subvolume itself
	btrfs -q subvolume create second
	put second/x "second"
	put second/d/z "second in a directory"
	put second/a/more "more"
}

mounted() {
	local b=$BASE/bt

	union "$BASE/merged" "lowerdir=$b/low:$b/second,upperdir=$b/upper,workdir=$b/work,layer_cache=$BASE/cache,log=$BASE/log" ||
		echo "FAIL: mount"
}

# attach_as_other DEVICE: so that the subvolume a isn't DEVICE. The kernel gives such numbers anew at each mount, also to others.
attach_as_other() {
	local i

	for i in 1 2 3 4 5 6 7 8; do
		attach
		[ "$(stat -c %d bt/low/a)" = "$1" ] || return 0
		umount bt
		mount -t tmpfs other other
	done
	return 1
}

numbers() {
	(cd merged && find . -printf '%p %i\n' | sort)
}

distinct() {
	check_equal "$1: no number twice" "" "$(cd merged && find . -printf '%i\n' | sort | uniq -d)"
	check_equal "$1: readdir agrees" "" "$(cd merged && find . -type d -exec "$SC" inodes {} \; | grep -v '^\.\. ' | grep -E 'DIFFERS|WRONG')"
}

scenario() {
	local before device

	mounted
	distinct "as it was"
	before=$(numbers)
	(cd merged && echo more >>a/x && echo more >>b/x && chmod 700 a/d b/d origin/snap && echo more >>origin/snap/d/z && echo more >>d/z)
	check_equal "over copy-up" "" "$(diff <(echo "$before") <(numbers))"
	distinct "changed"
	check "indexes of both layers are made" wait_until sh -c '[ $(ls cache | grep -vc new) = 2 ]'
	union_umount "$BASE/merged"
	device=$(stat -c %d bt/low/a)
	umount bt
	mkdir other
	check "its devices have other numbers" attach_as_other "$device"
	mounted
	distinct "mounted again"
	check_equal "over a mount of all anew" "" "$(diff <(echo "$before") <(numbers))"
	union_umount "$BASE/merged"
	umount bt
	while is_mounted "$BASE/other"; do umount other; done
}
