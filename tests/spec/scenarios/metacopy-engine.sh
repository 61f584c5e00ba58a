# SPDX-License-Identifier: Apache-2.0
# title: a container that was made on kernel overlayfs with metacopy=on goes on over the same layers with a program
# labels: quick
# plyfs-only: the kernel follows files without data with metacopy=on alone
# not-mounted: yes

layers() {
	put l1/owner owner
	put l1/mode mode
	put l1/dir/moved moved
	put l1/dir/write write
	put l1/dir/cut cut
	put l1/dir/link link
	put l1/dir/away away
	mkdir l1/other
	mkdir l
	ln -s ../l1 l/ABCDEFGHIJKLMNOPQRSTUVWXYZ
}

# As engines call, without metacopy=.
over() {
	union "$BASE/merged" "lowerdir=$1,upperdir=$BASE/upper,workdir=$BASE/work${2:-}"
}

scenario() {
	local b=$BASE f

	check "the container's past" mount -t overlay overlay -o "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,metacopy=on,redirect_dir=on,index=off" merged
	(
		cd merged
		chown 5:6 owner
		chmod 4711 mode
		chmod 600 dir/moved dir/write dir/cut dir/link dir/away
		mv dir/moved other/moved2
	)
	umount merged
	check_equal "left files without data" 7 "$(getfattr -R -m 'overlay.metacopy$' upper 2>/dev/null | grep -c metacopy)"

	check "the same with the program" over "$b/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	cd merged
	check_equal "what they hold" "owner mode moved write cut link away" \
		"$(echo $(cat owner mode other/moved2 dir/write dir/cut dir/link dir/away))"
	check_equal "whose they are" "5:6 644 0:0 4711 0:0 600" "$(echo $(stat -c '%u:%g %a' owner mode other/moved2))"
	check "one is written" sh -c 'echo more >>dir/write'
	check "one is cut" truncate -s 1 dir/cut
	check "one is linked" ln dir/link linked
	check "one is moved" mv dir/away other/
	check "one is given away" chown 7:8 owner
	cd "$b"
	check "unmounted" union_umount "$b/merged"
	check_equal "and none was made" "" "$(getfattr -m 'overlay.metacopy$' upper/dir/write upper/dir/cut 2>/dev/null)"
	check "mounted again" over "$b/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	check_equal "all of it is kept" "owner mode moved write more clink link away" \
		"$(cd merged && echo $(cat owner mode other/moved2 dir/write dir/cut dir/link linked other/away))"
	check_equal "and the owner" "7:8" "$(stat -c %u:%g merged/owner)"
	check "unmounted" union_umount "$b/merged"

	check "over other layers" over "$b/l1"
	check "they are refused as ever" sh -c "! cat merged/owner 2>/dev/null"
	check "unmounted" union_umount "$b/merged"
	check "or when that is asked for" over "$b/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ" ,metacopy=off
	check "they are refused, too" sh -c "! cat merged/owner 2>/dev/null"
	check "unmounted" union_umount "$b/merged"
}
