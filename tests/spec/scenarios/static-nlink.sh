# SPDX-License-Identifier: Apache-2.0
# title: with static_nlink every directory has one link, and other link counts stay
# labels: quick
# plyfs-only: options of its own
# options: static_nlink

layers() {
	mkdir -p l1/one/a l1/one/b l1/both/x l2/both/y
	put l2/file 1
	ln l2/file l2/other
}

links() {
	echo $(stat -c %h "$@")
}

scenario() {
	mkdir -p new/sub
	check_equal "directories" "1 1 1 1 1 1" "$(links . one one/a both new new/sub)"
	check_equal "by a listing" 1 "$(find . -mindepth 1 -type d -printf '%n\n' | sort -u)"
	check_equal "files" "2 2" "$(links file other)"
	exec 7<new/sub
	rmdir new/sub
	check_equal "a removed one has none" 0 "$(stat -L -c %h /proc/self/fd/7)"
	exec 7<&-
}
