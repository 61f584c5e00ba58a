# SPDX-License-Identifier: Apache-2.0
# title: however a daemon ends, what somebody else has mounted over the union or under it stays
# labels: quick
# plyfs-only: the daemon's life
# needs: fusermount3 setpriv
# not-mounted: yes

layers() {
	put l1/x content
}

# own NAME [OPTION]: a union on a mountpoint of that name
own() {
	mkdir -p "$BASE/p/$1"
	check "$1: mounted" union "$BASE/p/$1" "lowerdir=$BASE/l1,log=$BASE/log.$1${2:+,$2}"
	cp "$BASE/p/$1.pid" "$BASE/pid.$1"
}

# over NAME: somebody else's mount, with a file
over() {
	mkdir -p "$BASE/p/$1"
	mount -t tmpfs foreign "$BASE/p/$1" && echo foreign >"$BASE/p/$1/y"
}

# mounts NAME: from the lowest to the topmost
mounts() {
	awk -v point="$BASE/p/$1" '$5 == point { for (i = 7; $i != "-"; i++); print $(i + 1) }' /proc/self/mountinfo | tr '\n' ' '
}

# is_left NAME MOUNTS: the daemon has gone, and these mounts are there.
is_left() {
	check "$1: the daemon has gone" wait_gone "$(cat "$BASE/pid.$1")" 15
	check_equal "$1: is mounted" "$2" "$(mounts "$1")"
	[[ "$2" != *tmpfs* ]] || check_equal "$1: the foreign file" foreign "$(cat "$BASE/p/$1/y")"
}

# by_user NAME: an ordinary user's, whose daemon has fusermount3 unmount.
by_user() {
	mkdir -p "p/$1" && chown nobody "p/$1"
	check "$1: mounted" setpriv --reuid nobody --clear-groups --inh-caps=-all "$BASE/plyfs" -o "lowerdir=$BASE/l1" "$BASE/p/$1"
	mount_minor "$BASE/p/$1" >>"$MINORS"
	pgrep -f "$BASE/p/$1$" >"pid.$1"
}

signal() {
	kill "-$2" "$(cat "$BASE/pid.$1")"
}

scenario() {
	local b=$BASE name busy minor

	for name in TERM INT HUP; do own $name; over $name; done
	own helper auto_unmount
	over helper
	own bound
	mount --bind "$b/p/bound" "$b/p/bound"
	own two
	mkdir upper/d
	check "two: another union over it" "$PLYFS" -o "lowerdir=$b/l1:$b/upper,pidfile=$b/pid.upper" "$b/p/two"
	mount_minor "$b/p/two" >>"$MINORS"
	over under
	own under
	exec {busy}<"$b/p/under/x"
	own gone
	own broken
	minor=$(mount_minor "$b/p/broken")
	over broken
	fuse_for_all dev
	cp "$PLYFS" plyfs
	by_user user
	over user
	by_user alone

	for name in TERM INT HUP; do signal $name $name; done
	for name in helper bound two under user alone; do signal $name TERM; done
	umount "$b/p/gone"
	over gone
	fuse_abort "$minor"

	is_left gone "tmpfs "
	is_left broken "fuse.plyfs tmpfs "
	is_left bound ""
	is_left helper "fuse.plyfs tmpfs "
	for name in TERM INT HUP; do
		is_left $name "fuse.plyfs tmpfs "
		check "$name: the log says so" grep -q "another mount" "log.$name"
	done
	is_left under "tmpfs "
	is_left two "fuse.plyfs fuse.plyfs "
	check_equal "two: the upper one lives" "content d" "$(cat p/two/x) $(ls -d p/two/d | sed 's,.*/,,')"
	is_left user "fuse.plyfs tmpfs "
	is_left alone ""
	exec {busy}<&-
	name=$(cat pid.upper)
	kill -TERM "$name"
	check "two: the upper one ends" wait_gone "$name" 10
	check_equal "two: and leaves the other" "fuse.plyfs " "$(mounts two)"
}
