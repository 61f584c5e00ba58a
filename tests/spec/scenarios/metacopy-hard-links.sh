# SPDX-License-Identifier: Apache-2.0
# title: with an index all names of a lower file show the copy that has no data yet, and then the data that was written
# labels: quick
# options: metacopy=on,redirect_dir=on,index=on
# kernel-options: index=on,redirect_dir=on,metacopy=on,xino=off

layers() {
	fill l1/a 1M 1
	mkdir l1/dir
	ln l1/a l1/b
	ln l1/a l1/dir/c
	fill l1/x 1M 2
	ln l1/x l1/y
	fill l2/p 1M 3
	ln l2/p l2/q
}

scenario() {
	try chmod 600 a
	try stat_of '%n %a %s %h %b' a b dir/c
	for name in a b dir/c; do
		try cmp $name "$BASE/l1/a"
	done
	try mv b b2
	try mv dir/c c2
	try ln a d
	for name in a b2 c2 d; do
		check "$name has the data" cmp $name "$BASE/l1/a"
	done
	try chown 5:6 x p
	try rm x
	try cmp y "$BASE/l1/x"
	remount
	try stat_of '%n %a %s %h %u' a b2 c2 d y p q
	for name in a b2 c2 d; do
		check "$name has the data after a remount" cmp $name "$BASE/l1/a"
	done
	try cmp y "$BASE/l1/x"
	try cmp q "$BASE/l2/p"
	echo more >>b2
	for name in a b2 c2 d; do
		check_equal "$name shows what was written" more "$(tail -c 5 $name)"
		check_equal "$name has the rest" "$(md5sum <"$BASE/l1/a")" "$(head -c 1048576 $name | md5sum)"
	done
	echo more >>p
	check_equal "the other name too" more "$(tail -c 5 q)"
	try stat_of '%n %a %s %h %u' a b2 c2 d y p q
}
