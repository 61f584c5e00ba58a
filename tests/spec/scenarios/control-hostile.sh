# SPDX-License-Identifier: Apache-2.0
# title: a client of the control socket that sends nothing, half a line, a gigabyte or nonsense holds nobody up
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	local i

	for i in $(seq 20); do put l1/$i "number $i"; done
	mkdir control
	chmod 700 control
}

# serves_on NUMBER: the mount reads what it hasn't read before, and the daemon tells of itself.
serves_on() {
	check_equal "the mount serves on ($1)" "number $1" "$(timeout 10 cat "$BASE/merged/$1")"
	check "and so does the daemon ($1)" grep -q '"ok":true' <<<"$(control "$BASE/merged" '{"op":"layers"}')"
}

# client NAME STEP...: in the background, with its answers in NAME.said.
client() {
	local name=$1
	shift

	: >"$BASE/$name.said"
	"$SC" control "$SOCKET" "$@" >"$BASE/$name.said" &
	CLIENTS+=($!)
	wait_until grep -q connected "$BASE/$name.said"
}

# says NAME TEXT: what came of it
says() {
	check "$1: $2" wait_until grep -q -- "$2" "$BASE/$1.said"
}

scenario() {
	local b=$BASE i fds CLIENTS=() SOCKET

	mount_plyfs "$b/merged" "lowerdir=$b/l1,control_socket=$b/control" && mount_minor "$b/merged" >>"$MINORS"
	SOCKET=$(control_of "$b/merged" "$b/control")
	serves_on 1
	fds=$(sockets)

	client nothing "wait:$b/go"
	client half 'send:{"op":"sta' ends:20
	client gigabyte flood:1G line
	client deaf storm:1000000
	serves_on 2
	says half ended
	says gigabyte "cut off"
	says deaf "cut off\|nobody reads"
	serves_on 3

	client nonsense 'ask:' 'ask:{' 'ask:[]' 'ask:{"op":"none"}' 'ask:{"op":{"op":"status"}}' $'ask:{"op":"\xff"}' 'ask:{"op":"thaw"}' \
		'ask:{"op":"freeze","timeout_ms":0}' 'ask:{"op":"freeze","timeout_ms":1e9}' "ask:$(head -c 30000 /dev/zero | tr '\0' '[')" \
		'ask:{"op":"explain","path":"../../etc"}' 'ask:{"op":"layers"}'
	says nonsense '"ok":true'
	check_equal "nonsense is refused line by line" 11 "$(grep -c '"ok":false,"error":"[^"]*"}' nonsense.said)"
	client long "send:$(head -c 32768 /dev/zero | tr '\0' ' ')" line ends:10
	says long "the request is too long"
	says long ended
	client two $'send:{"op":"thaw"}\n{"op":"layers"}\n' line line
	says two '"count":1'
	client piecemeal 'send:{"op":' 'send:"layers"}' $'send:\n' line
	says piecemeal '"count":1'

	for i in 2 3 4 5 6 7 8; do client idle$i "wait:$b/go" "ask:{\"op\":\"layers\"}"; done
	wait_until too_many || echo "FAIL: there may be more than eight clients"
	check_equal "the mount serves on" "number 4" "$(timeout 10 cat merged/4)"
	touch go
	for i in 2 3 4 5 6 7 8; do says idle$i '"count":1'; done
	wait_until may_come || echo "FAIL: clients that have gone aren't forgotten"
	serves_on 5
	wait "${CLIENTS[@]}" 2>/dev/null
	wait_until has_sockets "$fds" || echo "FAIL: descriptors stay open"
	check "unmounted" union_umount "$b/merged"
}

# sockets: how many the daemon has open
sockets() {
	find "/proc/$(cat "$BASE/merged.pid")/fd" -lname 'socket:*' | wc -l
}

has_sockets() {
	[ "$(sockets)" = "$1" ]
}

too_many() {
	"$SC" control "$SOCKET" line | grep -q "too many connections"
}

may_come() {
	control "$BASE/merged" '{"op":"layers"}' | grep -q '"ok":true'
}
