# SPDX-License-Identifier: Apache-2.0
# title: with timeout=0 what is changed in a layer shows at the next look
# labels: quick
# plyfs-only: an option of plyfs's own
# not-mounted: yes

layers() {
	put moving/dir/old 1
	put l1/dir/below 1
	put moving/dir/file "before"
}

scenario() {
	local when b=$BASE

	when=$(stat -c %y moving/dir)
	check "mounted" union "$b/merged" "lowerdir=$b/moving:$b/l1,upperdir=$b/upper,workdir=$b/work,timeout=0"
	cd "$b/merged" || return
	check_equal "before" "below file old" "$(echo $(ls -A dir))"
	check_equal "not there" "" "$(cat dir/new 2>/dev/null)"
	put "$b/moving/dir/new" "new"
	rm "$b/moving/dir/old"
	# the time that would tell the kernel
	touch -d "$when" "$b/moving/dir"
	check_equal "the listing" "below file new" "$(echo $(ls -A dir))"
	check_equal "a new name" "new" "$(cat dir/new)"
	check_equal "a name that went" "" "$(cat dir/old 2>/dev/null)"
	cd "$b" || return
	check "unmounted" union_umount "$b/merged"
}
