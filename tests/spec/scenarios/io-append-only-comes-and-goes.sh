# SPDX-License-Identifier: Apache-2.0
# title: a file that was written just before obeys the append-only flag at once, and its removal too
# labels: quick
# plyfs-only: the kernel refuses the open; no OPEN reaches the daemon, so the write is refused

scenario() {
	local mode

	for mode in r w; do
		echo first >$mode
		[ $mode = w ] || cat $mode >/dev/null
		sc flags $mode +a >/dev/null
		check "$mode: no write in the middle" sh -c "! $SC fd open:$mode:rw pwrite:0:OVER | grep ' 4$'"
		check_equal "$mode: content" first "$(cat $mode)"
		check "$mode: a write at the end" sh -c "echo more >>$mode"
		sc flags $mode -a >/dev/null
		sc fd open:$mode:rw pwrite:0:FIRST ftruncate:5 fsync >/dev/null
		check_equal "$mode: written again" FIRST "$(cat $mode)"
	done
	sc flags w +i >/dev/null
	check "immutable: no write" sh -c "! echo x >>w"
	sc flags w -i >/dev/null
	check "and then a write" sh -c "echo x >>w"
}
