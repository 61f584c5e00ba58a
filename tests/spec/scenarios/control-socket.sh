# SPDX-License-Identifier: Apache-2.0
# title: the daemon tells of itself by a control socket, which serves its user and root, and goes with it
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes
# needs: setpriv

layers() {
	put l1/a "upmost"
	put l2/a "hidden"
	put l2/d/f "below"
	put l2/gone "removed"
	put l2/o/x "behind"
	put l2/r/deep/y "renamed"
	put l1/o/.keep ""
	opaque l1/o
	mkdir control
	chmod 700 control
}

# told NAME TEXT ANSWER: the member of the answer.
told() {
	check_equal "$1" "$2" "$(grep -o "\"$1\":[^,}]*" <<<"$3" | head -n 1 | cut -d: -f2-)"
}

# explains PATH: what is said of it, and that the file there is the one that the union shows.
explains() {
	local said layer path data

	said=$(control "$BASE/merged" "{\"op\":\"explain\",\"path\":\"$1\"}")
	layer=$(sed 's/"says".*//' <<<"$said" | grep -o '"layer":[0-9]*' | cut -d: -f2)
	path=$(sed 's/"says".*//' <<<"$said" | grep -o '"real_path":"[^"]*"' | cut -d'"' -f4)
	if [ -z "$layer" ]; then
		check_equal "$1: isn't shown" "" "$(ls -d "$BASE/merged/$1" 2>/dev/null)"
		grep -o '"why":"[a-z]*"\|"by":[0-9]*' <<<"$said"
		return
	fi
	data=$(sed -n "$((layer + 1))p" <<<"upper
l1
l2")
	echo "$1: $data/$path"
	check_equal "$1: is that" "$(cat "$BASE/merged/$1")" "$(cat "$BASE/$data/$path")"
}

shown() {
	local b=$BASE said

	said=$(control "$b/merged" '{"op":"status"}')
	told ok true "$said"
	told schema '"plyfs.status/1"' "$said"
	told pid "$(cat merged.pid)" "$said"
	told frozen false "$said"
	told layers 3 "$said"
	told redirect_dir '"on"' "$said"
	told redirects_made true "$said"
	told allow_other true "$said"
	told mountpoint "\"$b/merged\"" "$said"
	check "reads are counted, and how long they took" grep -q '"read":{"count":[1-9][0-9]*,"sum_ns":[1-9][0-9]*,"buckets":\[\[' <<<"$said"
	said=$(control "$b/merged" '{"op":"layers"}')
	told count 3 "$said"
	check "each layer is told, with its path" grep -q "\"index\":2,\"role\":\"lower\",\"path\":\"$b/l2\"" <<<"$said"
	check_equal "layers from the third on" 1 "$(control "$b/merged" '{"op":"layers","from":2}' | grep -o '"index"' | wc -l)"
	explains a
	explains d/f
	explains gone
	explains o/x
	explains moved/deep/y
	explains link
	check "an object that isn't there" grep -q '"ok":false' <<<"$(control "$b/merged" '{"op":"explain","path":"none"}')"
	check "no way up" grep -q '"ok":false' <<<"$(control "$b/merged" '{"op":"explain","path":"d/../a"}')"
}

others() {
	local socket out

	socket=$(control_of "$BASE/merged" "$BASE/control")
	check_equal "the socket's mode" "600 0" "$(stat -c '%a %u' "$socket")"
	out=$(setpriv --reuid=12345 --regid=12345 --clear-groups "$SC" control "$socket" 'ask:{"op":"status"}')
	check_equal "another user can't connect" EACCES "$out"
	chmod 755 control && chmod 777 "$socket"
	out=$(setpriv --reuid=12345 --regid=12345 --clear-groups "$SC" control "$socket" line ends:5)
	check_equal "nor is he served where he can" 'connected
{"ok":false,"error":"the mount is another user'"'"'s"}
ended' "$out"
	chmod 700 control
}

# in_order NAME...: numbers of devices come before or behind other names, as they are.
in_order() {
	printf '%s\n' "$@" | LC_ALL=C sort
}

# only_there NAME...: what is left over is looked through one by one, in any order.
only_there() {
	[ "$(LC_ALL=C ls control)" = "$(in_order "$@")" ]
}

scenario() {
	local b=$BASE pid socket options

	cp "$SC" "$b/sc" && SC=$b/sc && chmod 755 "$b"
	options="lowerdir=$b/l1:$b/l2,upperdir=$b/upper,workdir=$b/work,redirect_dir=on,control_socket=$b/control"
	mount_plyfs "$b/merged" "$options" && mount_minor "$b/merged" >>"$MINORS"
	cat merged/d/f
	rm merged/gone
	mv merged/r merged/moved
	ln merged/a merged/link
	shown
	others

	socket=$(control_of "$b/merged" "$b/control")
	check "unmounted" union_umount "$b/merged"
	check_equal "the socket goes with an unmount" "" "$(ls control)"
	mount_plyfs "$b/merged" "$options" && mount_minor "$b/merged" >>"$MINORS"
	pid=$(cat merged.pid)
	kill -TERM "$pid"
	check "the daemon leaves" wait_gone "$pid" 10
	check_equal "the socket goes with SIGTERM" "" "$(ls control)"

	mount_plyfs "$b/merged" "$options" && mount_minor "$b/merged" >>"$MINORS"
	pid=$(cat merged.pid)
	kill -KILL "$pid"
	check "the daemon is killed" wait_gone "$pid" 10
	check_equal "its socket stays" 1 "$(ls control | wc -l)"
	umount "$b/merged"
	put control/0:1x "not a name of ours"
	"$SC" bind "control/4095:77"
	mount_plyfs "$b/merged" "$options" && mount_minor "$b/merged" >>"$MINORS"
	socket=$(control_of "$b/merged" "$b/control")
	wait_until only_there 0:1x "${socket##*/}"
	check_equal "what is left over is cleared, and nothing else" "$(in_order 0:1x "${socket##*/}")" "$(LC_ALL=C ls control)"
	mkdir merged2
	mount_plyfs "$b/merged2" "lowerdir=$b/l2,control_socket=$b/control" && mount_minor "$b/merged2" >>"$MINORS"
	check "a second mount answers" grep -q '"ok":true' <<<"$(control "$b/merged2" '{"op":"status"}')"
	check "the second is unmounted" union_umount "$b/merged2"
	check "the new one answers" grep -q '"ok":true' <<<"$(control "$b/merged" '{"op":"status"}')"
	check "unmounted" union_umount "$b/merged"
}
