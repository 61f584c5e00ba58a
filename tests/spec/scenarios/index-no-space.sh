# SPDX-License-Identifier: Apache-2.0
# title: on a full upper a linked name is not written, and can be removed
# labels: quick
# options: index=on
# plyfs-only: how much is free in the end differs
# size: 1G

layers() {
	fill l1/a 8000000
	ln l1/a l1/b
	ln l1/a l1/c
}

scenario() {
	fallocate -l 900M filler; fallocate -l 40M filler1 2>/dev/null
	dd if=/dev/zero of=filler2 bs=64k 2>/dev/null
	dd if=/dev/zero of=filler3 bs=512 2>/dev/null
	check "no copy-up" sh -c '! echo more >>a'
	check_equal "the file is as it was" "8000000 3" "$(stat -c '%s %h' b)"
	check "its names can go" rm a
	check_equal "the count follows" "8000000 2" "$(stat -c '%s %h' b)"
	rm filler*
	space_comes "$BASE" 100000
	check "with room it is copied" sh -c 'echo more >>b'
	remount
	check_equal "all names show it" "8000005 8000005" "$(echo $(stat -c %s b c))"
	check_equal "the count after the remount" "2 2" "$(echo $(stat -c %h b c))"
}
