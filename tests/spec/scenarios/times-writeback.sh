# SPDX-License-Identifier: Apache-2.0
# title: with writeback the kernel's own times of a file show while it knows the file, and those on disk after
# labels: quick
# needs: chattr python3
# options: writeback
# expect-diff: observations:.flags.(same|changed) the kernel keeps the change time itself and isn't told
# expect-diff: observations:.size.(same|changed) the kernel takes a size that stays for no change, and doesn't ask for the time
# expect-diff: observations:.far.[0-9]+$ the kernel doesn't know which times the upper can hold

layers() {
	put upper/f 1
	put upper/size 1
}

scenario() {
	local before

	touch f
	before=$(stat -c %z f)
	sleep 0.1
	chattr +d f
	[ "$before" = "$(stat -c %z f)" ] && echo "flags same" || echo "flags changed"
	touch -d @15032385536 f
	echo "far $(stat -c %Y f)"
	python3 -c 'import os; os.truncate("size", 2)'
	[ "$(stat -c %Y size)" -lt $SINCE ] && echo "size same" || echo "size changed"
	remount
	[ "$(stat -c %Y size)" -lt $SINCE ] && echo "then the same" || echo "then of the call"
	[ "$before" = "$(stat -c %z f)" ] && echo "then same" || echo "then changed"
	echo "then far: $(stat -c %Y f)"
}
