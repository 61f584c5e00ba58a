# SPDX-License-Identifier: Apache-2.0
# title: names in trusted.* are listed to who has CAP_SYS_ADMIN, and not to root without it or of a user namespace
# labels: quick
# needs: setpriv unshare

layers() {
	put l1/low "low"
	put upper/up "up"
	put l1/trusted-only "x"
	setfattr -n user.shown -v x l1/low upper/up
	setfattr -n trusted.secret -v x l1/low upper/up l1/trusted-only
	chmod 777 l1 upper
}

scenario() {
	local f

	for f in low up trusted-only; do
		echo "$f:"
		sc xattr list $f
		setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$SC" xattr list $f
		unshare --user --map-root-user "$SC" xattr list $f
		"$SC" as 1000:1000 "$SC" xattr list $f
		unshare --user --map-root-user "$SC" xattr get $f trusted.secret
	done
}
