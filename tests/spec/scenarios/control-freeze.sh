# SPDX-License-Identifier: Apache-2.0
# title: while changes are frozen they wait and reads go on, until the thaw, the end of the client, the time or the mount
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	local i

	put l1/f "lower"
	put l1/read "read me"
	put l1/sub/y "other"
	put l1/impure/x "moved away"
	fill l1/big 8M
	for i in $(seq 70); do put upper/many/$i old; done
	mkdir control
	chmod 700 control
}

# starts NAME COMMAND...: in the background; NAME.done is there when it has ended.
starts() {
	local name=$1
	shift

	("$@" >"$BASE/$name.out" 2>&1; echo $? >"$BASE/$name.rc"; mv "$BASE/$name.rc" "$BASE/$name.done") &
}

# waiting NUMBER: so many changes wait.
waiting() {
	control "$BASE/merged" '{"op":"status"}' | grep -q "\"changes_waiting\":$1[,}]"
}

# freezes NAME REQUEST STEP...: a client freezes; NAME.said has its answers.
freezes() {
	local name=$1 request=$2
	shift 2

	"$SC" control "$(control_of "$BASE/merged" "$BASE/control")" "ask:$request" "$@" >"$BASE/$name.said" &
	CLIENT=$!
	check "$name: frozen" wait_until grep -q '"ok":true' "$BASE/$name.said"
}

# comes NAME: what waited has been done
comes() {
	check "$1: goes on" wait_until [ -e "$BASE/$1.done" ]
	check_equal "$1: succeeds" 0 "$(cat "$BASE/$1.done")"
	wait_until waiting 0
}

mounted() {
	mount_plyfs "$BASE/merged" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,control_socket=$BASE/control" &&
		mount_minor "$BASE/merged" >>"$MINORS"
}

by_thaw() {
	freezes thaw '{"op":"freeze"}' "wait:$BASE/go" 'ask:{"op":"thaw"}'
	starts write sh -c 'echo more >>merged/f'
	starts mkdir mkdir merged/sub/new
	starts chmod chmod 600 merged/read
	wait_until waiting 3 || echo "FAIL: three changes wait"
	check_equal "reads go on" "read me" "$(timeout 10 cat merged/read)"
	check_equal "listings go on" 3 "$(timeout 10 ls merged/many | grep -c '^[1-3]$')"
	check "the daemon says so" grep -q '"frozen":true' <<<"$(control "$BASE/merged" '{"op":"status"}')"
	check_equal "nothing is changed below" "many" "$(ls upper)"
	check_equal "another one can't freeze" '{"ok":false,"error":"changes are frozen already"}' \
		"$(control "$BASE/merged" '{"op":"freeze"}')"
	check_equal "nor thaw" '{"ok":false,"error":"this connection has frozen nothing"}' "$(control "$BASE/merged" '{"op":"thaw"}')"
	touch go
	for i in write mkdir chmod; do comes $i; done
	check_equal "the thaw was in time" '{"ok":true}' "$(tail -n 1 thaw.said)"
	check_equal "what waited is written" "lower more" "$(tr '\n' ' ' <merged/f | sed 's/ $//')"
}

# More than there are threads that take requests.
by_many() {
	local i

	freezes many '{"op":"freeze"}' "wait:$BASE/go2" 'ask:{"op":"thaw"}'
	for i in $(seq 70); do starts many.$i sh -c "echo new >>merged/many/$i"; done
	wait_until waiting 70 || echo "FAIL: seventy changes wait"
	check "reads go on beside seventy changes that wait" timeout 10 cat merged/read
	touch go2
	check "all go on" wait_until sh -c '[ $(ls many.*.done | wc -l) = 70 ]'
	check_equal "each has been done" 140 "$(cat merged/many/* | wc -l)"
}

by_end_of_client() {
	freezes client '{"op":"freeze"}' "wait:$BASE/never"
	starts rename mv merged/sub/new merged/sub/renamed
	wait_until waiting 1
	kill -KILL $CLIENT
	comes rename
}

by_time() {
	freezes time '{"op":"freeze","timeout_ms":300}' "wait:$BASE/rm.done" 'ask:{"op":"thaw"}'
	starts rm rmdir merged/sub/renamed
	comes rm
	wait $CLIENT
	check "the client is told that it was too late" grep -q '"ok":false.*the time was over' time.said
}

# A directory that became empty loses an xattr when it is read, which can wait.
by_reader() {
	mkdir merged/pure
	mv merged/impure/x merged/pure/x
	rm merged/pure/x
	freezes reader '{"op":"freeze"}' "wait:$BASE/go3" 'ask:{"op":"thaw"}'
	check_equal "an empty directory is read" "" "$(timeout 10 ls merged/pure)"
	touch go3
	wait $CLIENT
}

by_copy_up() {
	starts copy-up sh -c 'echo more >>merged/big'
	freezes copy '{"op":"freeze"}' "wait:$BASE/go4" 'ask:{"op":"thaw"}'
	check_equal "a copy-up under way keeps nobody from reading" 8388608 "$(head -c 8388608 merged/big | wc -c)"
	touch go4
	comes copy-up
	check_equal "and ends well" 8388613 "$(stat -c %s merged/big)"
}

by_killed_writer() {
	freezes killed '{"op":"freeze"}' "wait:$BASE/go5" 'ask:{"op":"thaw"}'
	sh -c 'exec touch merged/f' &
	wait_until waiting 1
	kill -KILL $!
	check "a writer that is killed meanwhile goes at once" wait_gone $! 10
	touch go5
	wait $CLIENT
}

by_end_of_mount() {
	local pid

	pid=$(cat merged.pid)
	freezes unmount '{"op":"freeze"}' "wait:$BASE/never"
	check "an unmount isn't held up" timeout 10 umount "$BASE/merged"
	check "nor is the daemon" wait_gone "$pid" 10
	kill -KILL $CLIENT

	mounted
	pid=$(cat merged.pid)
	freezes term '{"op":"freeze"}' "wait:$BASE/never"
	starts last sh -c 'echo last >>merged/f'
	wait_until waiting 1
	kill -TERM "$pid"
	check "what waits is done before the daemon ends" wait_until [ -e last.done ]
	check_equal "and well" "0 last" "$(cat last.done) $(tail -n 1 upper/f)"
	check "SIGTERM isn't held up" wait_gone "$pid" 10
	kill -KILL $CLIENT
}

scenario() {
	mounted || return
	by_thaw
	by_many
	by_end_of_client
	by_time
	by_reader
	by_copy_up
	by_killed_writer
	by_end_of_mount
	wait
}
