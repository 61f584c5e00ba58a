# SPDX-License-Identifier: Apache-2.0
# title: redirects are made by default with xattrs in trusted.*, and not with xattrs in user.*, where none is followed unasked
# labels: quick
# plyfs-only: the kernel has other defaults
# not-mounted: yes

layers() {
	mkdir -p m l1
	put l1/dir/f "f"
	put l1/orig/x "x"
	mkdir -p l0/forged t u v
	setfattr -n user.overlay.redirect -v /orig l0/forged
}

# with OPTIONS COMMAND...: in a union over a fresh upper.
with() {
	local options=$1
	shift
	rm -rf upper work
	mkdir upper work
	mount_plyfs "$PWD/m" "lowerdir=l0:l1,upperdir=upper,workdir=work${options:+,$options}" || { echo "FAIL: mount"; return; }
	"$@"
	union_umount "$PWD/m"
}

both() {
	check "$1" sh -c "$2"
}

scenario() {
	with "" both "trusted: the rename is made" "$SC rename m/dir m/new && [ -f m/new/f ] &&
		getfattr --only-values -n trusted.overlay.redirect upper/new | grep -qx dir"
	with "" both "trusted: an xattr in user.* is an ordinary attribute" '[ -z "$(ls -A m/forged)" ]'
	with redirect_dir=off both "off: EXDEV" "$SC rename m/dir m/new | grep -qx EXDEV && [ -f m/dir/f ] && [ ! -e upper/dir ]"
	with userxattr both "user: EXDEV, nothing is copied up, mv copies" "$SC rename m/dir m/new | grep -qx EXDEV &&
		[ -f m/dir/f ] && [ ! -e upper/dir ] && mv m/dir m/new && [ -f m/new/f ] && [ ! -e m/dir ]"
	with userxattr both "user: not followed" '! ls m/forged 2>/dev/null'
	with userxattr,redirect_dir=off both "user, off: not followed" '! ls m/forged 2>/dev/null'
	with userxattr,redirect_dir=follow both "user: followed on request" '[ -f m/forged/x ]'
	with userxattr,redirect_dir=on both "user: made on request" "$SC rename m/dir m/new && [ -f m/new/f ] &&
		getfattr --only-values -n user.overlay.redirect upper/new | grep -qx dir"
}
