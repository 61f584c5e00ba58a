# SPDX-License-Identifier: Apache-2.0
# title: an engine's read-only mount whose layers have no attribute says so once for all, and no other mount does
# labels: quick
# plyfs-only: the kernel's overlayfs needs no requests, and always says ENODATA
# needs: getfattr setfattr
# not-mounted: yes

layers() {
	local i

	mkdir -p l1/d/e
	for i in $(seq 300); do put l1/d/f$i $i; done
	put l1/d/e/deep deep
	put l2/other other
	put l3/d/e/noted noted
	setfattr -n user.note -v there l3/d/e/noted
}

get() { sc xattr get "$1" user.note; }

# ask: so often that the layers are looked at, and a moment for that.
ask() {
	getfattr -R -d -m - "$1" >/dev/null 2>&1
	sleep 0.5
}

mounted() {
	local program=$1 options=$2
	PLYFS=$program union "$BASE/m" "log=$BASE/log,lowerdir=$BASE/l1:$BASE/l2$options"
}

scenario() {
	local b=$BASE as=$BASE/fuse-overlayfs before

	mkdir m
	ln -s "$PLYFS" "$as"
	check "a mount as an engine makes it" mounted "$as" ""
	check_equal "at first" ENODATA "$(get m/d/f1)"
	ask m
	check_equal "later" EOPNOTSUPP "$(get m/d/f1)"
	check_equal "the list is refused, too" EOPNOTSUPP "$(sc xattr list m/d/e/deep)"
	before=$(counted m xattr)
	getfattr -R -d -m - m >/dev/null 2>&1
	check_equal "and no request comes any more" "$before" "$(counted m xattr)"
	check_equal "files are read" deep "$(cat m/d/e/deep)"
	check "cp keeps what there is" cp -a m/d/e copy
	check "and unmounted" union_umount "$b/m"

	check "a mount of layers with one attribute" mounted "$as" ":$b/l3"
	ask m
	check_equal "it is seen" there "$(getfattr --only-values -n user.note m/d/e/noted)"
	check_equal "the others have none" ENODATA "$(get m/d/f1)"
	check "and unmounted" union_umount "$b/m"

	check "a mount that nobody made for an engine" mounted "$PLYFS" ""
	ask m
	check_equal "has none as ever" ENODATA "$(get m/d/f1)"
	check "and unmounted" union_umount "$b/m"

	check "a writable mount for an engine" mounted "$as" ",upperdir=$b/upper,workdir=$b/work"
	ask m
	check_equal "has none as ever" ENODATA "$(get m/d/f1)"
	check "and takes one" setfattr -n user.note -v new m/d/f1
	check_equal "which is seen" new "$(getfattr --only-values -n user.note m/d/f1)"
	check "and unmounted" union_umount "$b/m"
	rm -r copy log
}
