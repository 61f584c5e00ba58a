# SPDX-License-Identifier: Apache-2.0
# title: a missing lower, upper or work directory is refused by its option and path
# labels: quick
# plyfs-only: the form of plyfs's own messages
# not-mounted: yes

layers() {
	put l1/x 1
}

scenario() {
	local l=$BASE/l1 u=$BASE/upper w=$BASE/work m=$BASE/merged option

	refuse "lower" "lowerdir: $BASE/none: No such file or directory" "lowerdir=$l:$BASE/none,upperdir=$u,workdir=$w" "$m"
	refuse "upper" "upperdir: $BASE/none: No such file or directory" "lowerdir=$l,upperdir=$BASE/none,workdir=$w" "$m"
	refuse "work" "workdir: $BASE/none: No such file or directory" "lowerdir=$l,upperdir=$u,workdir=$BASE/none" "$m"
	refuse "mountpoint" ".*$BASE/none: No such file or directory" "lowerdir=$l,upperdir=$u,workdir=$w" "$BASE/none"
	mkdir "$BASE/gone"
	cd "$BASE/gone"
	rmdir "$BASE/gone"
	for option in log pidfile; do
		check_equal "$option in a directory that is gone" "1 plyfs: $option: file: No such file or directory" \
			"$(said=$("$PLYFS" -o "lowerdir=$l,$option=file" "$m" 2>&1); echo "$? $said")"
	done
	cd "$BASE"
	check_equal "nothing was made in the work directory" "" "$(ls -A "$w")"
}
