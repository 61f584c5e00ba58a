# SPDX-License-Identifier: Apache-2.0
# title: a file whose last name is removed while a read-only mount of its upper looks it up isn't shown as it was before its copy-up
# labels: quick
# needs: strace
# plyfs-only: the kernel mounts none with index=on
# not-mounted: yes
# timeout: 60

layers() {
	put l1/a old
	ln l1/a l1/b
	mkdir merged2
}

scenario() {
	local b=$BASE options="lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,index=on" reader

	check "the first mount" union "$b/merged" "$options"
	echo new >"$b/merged/a"
	rm "$b/merged/a"
	check "the second one" union "$b/merged2" "$options,ro"
	# Between seeing that the upper has nothing of the name and asking the index.
	trace_daemon "$(cat "$b/merged2.pid")" -e trace=name_to_handle_at -e inject=name_to_handle_at:delay_enter=1000000:when=1
	cat "$b/merged2/b" >"$b/seen" 2>/dev/null &
	reader=$!
	until [ -s "$b/trace" ]; do sleep 0.05; done
	rm "$b/merged/b"
	wait $reader
	trace_end
	check_equal "nothing is read" "" "$(cat "$b/seen")"
	check "both go" sh -c "umount '$b/merged2' && umount '$b/merged'"
}
