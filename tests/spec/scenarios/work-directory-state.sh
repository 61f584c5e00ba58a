# SPDX-License-Identifier: Apache-2.0
# title: what a mount keeps in its work directory, while it is there and afterwards
# labels: quick
# expect-diff: ^observations:.(plyfs.state|nlink)$ plyfs keeps a file of its own while the upper is mounted, and counts of names
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off

layers() {
	put l1/a x
	ln l1/a l1/b
}

scenario() {
	try sh -c 'echo more >>a'
	ls -A "$BASE/work"
	cd "$BASE" || return
	unmount_it || echo "FAIL: unmount"
	echo "unmounted:"
	ls -A work
	mount_it || echo "FAIL: mount"
}
