# SPDX-License-Identifier: Apache-2.0
# title: in a union that was made read-only devices, links that lead out of it and files mounted in it are written
# labels: quick

layers() {
	mknod l1/below c 1 3
}

scenario() {
	local b=$BASE device

	mknod null c 1 3
	mknod zero c 1 5
	touch bindfile
	put "$b/target" content
	ln -s ../target symlink
	# FUSE has a helper, which is left out (remount).
	try mount -i -o remount,ro "$b/merged"
	try touch new
	for device in null below; do
		try dd if=/dev/zero of=$device bs=512 count=1 conv=notrunc status=none
		try sh -c "echo foo >$device"
		try sh -c "echo foo >>$device"
	done
	try dd if=zero of=/dev/null bs=512 count=1 status=none
	try dd if=/dev/zero of=symlink bs=512 count=1 conv=notrunc status=none
	try dd if=/dev/zero of=symlink bs=100 count=1 status=none
	try mount --bind "$b/target" bindfile
	try dd if=/dev/zero of=bindfile bs=512 count=1 conv=notrunc status=none
	try dd if=/dev/zero of=bindfile bs=200 count=1 status=none
	stat -c %s "$b/target" symlink bindfile
	try umount bindfile
	try chmod 600 bindfile
	try mount -i -o remount,rw "$b/merged"
	try touch new
}
