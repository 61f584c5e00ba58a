# SPDX-License-Identifier: Apache-2.0
# title: hard links of lower files stay one file when owners and types are kept in attributes
# labels: quick
# plyfs-only: options of its own
# options: index=on,xattr_permissions=2

layers() {
	put l1/a a
	chown 5:6 l1/a
	ln l1/a l1/b
	sc mknod l1/p fifo 644
	ln l1/p l1/q
	sc mknod l1/c chr 666 1 3
	ln l1/c l1/d
	put l1/dir/one 1
}

all() {
	stat -c '%n %F %a %u:%g %t:%T %h %i' a b p c d dir/one
}

scenario() {
	local before

	before=$(stat -c %i a b p c d dir/one)
	check "chmod" chmod 4700 a
	check "chown" chown 7:8 p
	check "chmod of a device" chmod 611 c
	check "rm" rm q
	check "touch" touch dir/one
	check_equal "the others follow" "regular file 4700 5:6 0:0 2|character special file 611 0:0 1:3 2|fifo 644 7:8 0:0 1|" \
		"$(stat -c '%F %a %u:%g %t:%T %h' b d p | tr '\n' '|')"
	check_equal "numbers" "$before" "$(stat -c %i a b p c d dir/one)"
	before=$(all)
	remount
	check_equal "after a remount" "$before" "$(all)"
	check "chmod by the other name" chmod 640 d
	check_equal "shows by the first" 640 "$(stat -c %a c)"
}
