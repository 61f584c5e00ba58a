# SPDX-License-Identifier: Apache-2.0
# title: a file in the place of a directory is refused by its option and path
# labels: quick
# plyfs-only: the form of plyfs's own messages
# not-mounted: yes

layers() {
	put l1/x 1
	put file 1
}

scenario() {
	local l=$BASE/l1 u=$BASE/upper w=$BASE/work m=$BASE/merged

	refuse "lower" "lowerdir: $BASE/file: [Nn]ot a directory" "lowerdir=$BASE/file:$l,upperdir=$u,workdir=$w" "$m"
	refuse "upper" "upperdir: $BASE/file: [Nn]ot a directory" "lowerdir=$l,upperdir=$BASE/file,workdir=$w" "$m"
	refuse "work" "workdir: $BASE/file: [Nn]ot a directory" "lowerdir=$l,upperdir=$u,workdir=$BASE/file" "$m"
	refuse "mountpoint" ".*$BASE/file: .+" "lowerdir=$l,upperdir=$u,workdir=$w" "$BASE/file"
}
