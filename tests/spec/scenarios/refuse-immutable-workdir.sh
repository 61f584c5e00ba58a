# SPDX-License-Identifier: Apache-2.0
# title: a work directory in which nothing can be made is refused, and nothing has changed
# labels: quick
# needs: chattr
# fs: ext4
# plyfs-only: the kernel mounts it read-only
# not-mounted: yes

layers() {
	put l1/x 1
}

scenario() {
	local o="lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work"

	chattr +i work
	refuse "an immutable work directory" "workdir: $BASE/work.*: [Oo]peration not permitted" "$o" "$BASE/merged"
	check "it is empty" [ -z "$(ls -A work)" ]
	chattr -i work
	check "it mounts then" mount_plyfs "$BASE/merged" "$o"
	union_umount "$BASE/merged" >&2
}
