# SPDX-License-Identifier: Apache-2.0
# title: with metacopy=on changes of metadata, renames and links of lower files copy no data, and the first write brings it
# labels: quick
# options: metacopy=on,redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=on,xino=off

layers() {
	fill l1/chmod 1M 1
	fill l1/dir/chown 1M 2
	fill l1/touch 1M 3
	fill l1/attr 1M 4
	setfattr -n user.color -v blue l1/attr
	fill l1/moved 1M 5
	fill l1/linked 1M 6
	fill l1/away/far 1M 7
	fill l1/nested/dir/file 1M 8
	fill l1/cut 1M 9
	fill l1/cut-all 1M 10
	fill l1/hole 1M 11
	fill l1/hard 1M 12
	ln l1/hard l1/hard2
	fill l2/late 1M 13
	: >l2/empty
	put l2/small "abc"
	put upper/dir/new "n"
	mkdir -p l1/other
	fill l1/caps 1M 14
	setcap cap_net_raw+ep l1/caps
	fill l1/setuid 1M 15
	chmod 4755 l1/setuid
}

same() {
	cmp "$1" "$BASE/$2" && echo "$1 is $2"
}

blocks_in_upper() {
	local path

	for path; do
		check "upper/$path has no data" [ "$(stat -c %b "$BASE/upper/$path")" -lt 64 ]
	done
}

scenario() {
	try chmod 600 chmod
	try chown 5:6 dir/chown
	try touch -c -d @1234567890 touch
	try setfattr -n user.size -v big attr
	try mv moved moved2
	try ln linked linked2
	try mv away/far other/far2
	try mv nested nested2
	try chmod 640 nested2/dir/file
	try mv nested2/dir nested3
	try sc rename nested3/file nested3/file2
	try chmod 700 hard
	try mv hard hard3
	try chmod 400 late empty small
	try chmod 755 caps setuid
	try chmod 4755 setuid
	blocks_in_upper chmod dir/chown touch attr moved2 linked2 other/far2 nested3/file2 hard3 late caps setuid
	try same chmod l1/chmod
	try same dir/chown l1/dir/chown
	try same moved2 l1/moved
	try same linked2 l1/linked
	try same other/far2 l1/away/far
	try same nested3/file2 l1/nested/dir/file
	try same hard3 l1/hard
	try same hard2 l1/hard
	try same late l2/late
	try stat_of '%n %a %u:%g %s %h %b' chmod dir/chown touch attr moved2 linked linked2 other/far2 late empty small caps setuid
	try mtime_of touch
	try mtime_of chmod
	try getfattr -d -m - attr chmod
	remount
	try same moved2 l1/moved
	try same linked2 l1/linked
	try same other/far2 l1/away/far
	try same nested3/file2 l1/nested/dir/file
	try same hard3 l1/hard
	try same late l2/late
	try stat_of '%n %a %u:%g %s %h %b' chmod dir/chown moved2 linked linked2 other/far2
	try mv other/far2 far3
	try mv far3 dir/far4
	try mv moved2 moved3

	exec 5<chmod
	printf X | dd of=chmod bs=1 seek=77777 conv=notrunc status=none
	check_equal "the data around a write came along" "$(head -c 77777 "$BASE/l1/chmod" | md5sum)$(tail -c +77779 "$BASE/l1/chmod" | md5sum)" \
		"$(head -c 77777 chmod | md5sum)$(tail -c +77779 chmod | md5sum)"
	check_equal "a descriptor from before sees the write" X "$(head -c 77778 <&5 | tail -c 1)"
	exec 5<&-
	echo more >>linked
	check_equal "by the other name too" more "$(tail -c 5 linked2)"
	try truncate -s 100 cut
	try chmod 600 cut
	try chmod 600 cut-all hole
	try truncate -s 0 cut-all
	try fallocate -p -o 4096 -l 8192 hole
	check_equal "the data around a hole came along" "$(tail -c +12289 "$BASE/l1/hole" | md5sum)" "$(tail -c +12289 hole | md5sum)"
	echo new >>small
	echo first >>empty
	try cat small empty
	echo x >>caps
	try getcap caps
	try stat_of '%n %a %s' chmod linked cut cut-all hole small empty caps setuid
	check "a file that was written is whole in the upper" cmp chmod "$BASE/upper/chmod"
	try rm dir/far4
	try rm late
	remount
	try stat_of '%n %a %s' chmod linked linked2 cut cut-all hole moved3
	try same moved3 l1/moved
	try ls -A . dir other away
}
