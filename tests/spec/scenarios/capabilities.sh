# SPDX-License-Identifier: Apache-2.0
# title: file capabilities are kept by copy-up, rename and chmod, and dropped by a write or chown
# labels: quick
# needs: setcap getcap

layers() {
	local f

	for f in keep write chown rename trunc byroot; do
		cp /bin/true "l1/$f"
		chmod 777 "l1/$f"
		setcap cap_net_raw+ep "l1/$f"
	done
}

scenario() {
	try getcap keep
	try touch -d @1234567890 keep
	try chmod 755 keep
	try getcap keep
	as 9:9 "$SC" fd open:write:w pwrite:0:x
	try sc fd open:byroot:w pwrite:0:x
	try sc xattr list write
	try sc xattr list byroot
	try chown 5:6 chown
	try sc xattr list chown
	try mv rename renamed
	try getcap renamed
	try sc fd open:trunc:w ftruncate:10
	try sc xattr list trunc
	try setcap cap_chown+ep write
	try getcap write
	try setcap -r write
	try sc xattr list write
	try ln keep link
	try getcap link
	as 9:9 setcap cap_chown+ep write
	remount
	try getcap keep renamed link
}
