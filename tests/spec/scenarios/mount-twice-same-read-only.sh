# SPDX-License-Identifier: Apache-2.0
# title: the same read-only mount asked for twice, or at the same time, is one mount, and other layers are mounted on top of it
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x 1
	put l2/x 2
	put upper/x upper
	mkdir p1 p2
}

again() { timeout 20 "$PLYFS" -o "$1" "$BASE/merged" </dev/null; }

# at_once POINT: six calls at the same time
at_once() {
	local calls=() call status=0
	for call in 1 2 3 4 5 6; do
		timeout 20 "$PLYFS" -o "lowerdir=$BASE/l1:$BASE/l2,pidfile=$1.$call" "$1" </dev/null &
		calls+=($!)
	done
	for call in "${calls[@]}"; do wait "$call" || status=1; done
	mount_minor "$1" >>"$MINORS"
	cat "$1".? >"$1.pid"
	return $status
}

mounts() { grep -c " $1 " /proc/self/mountinfo; }

scenario() {
	local b=$BASE data

	check "the first mount" union "$b/merged" "lowerdir=$b/l1:$b/l2"
	check "the second call" again "lowerdir=$b/l1:$b/l2"
	check "with other words for it" again "lowerdir=$b/l2/../l1:$b/l2,ro,noatime"
	check_equal "mounted once" 1 "$(mounts "$b/merged")"
	mv "$b/merged.pid" "$b/first.pid"
	check "other layers" union "$b/merged" "lowerdir=$b/l2:$b/l1"
	check_equal "are mounted on top" "2 2" "$(mounts "$b/merged") $(cat "$b/merged/x")"
	check "unmounted" union_umount "$b/merged"
	mv "$b/first.pid" "$b/merged.pid"
	check_equal "the first is there" "1 1" "$(mounts "$b/merged") $(cat "$b/merged/x")"
	check "a data-only layer is another thing" again "lowerdir=$b/l1::$b/l2,pidfile=$b/data.pid"
	check_equal "and is on top" 2 "$(mounts "$b/merged")"
	data=$(cat "$b/data.pid")
	umount "$b/merged"
	check "its daemon is gone" wait_gone "$data" 5
	check "unmounted as well" union_umount "$b/merged"
	check_equal "nothing is left" 0 "$(mounts "$b/merged")"
	check "six calls at once" at_once "$b/p1"
	check_equal "make one mount" 1 "$(mounts "$b/p1")"
	check "unmounted" union_umount "$b/p1"
	# The upper of a live mount is shown as a layer.
	check "a mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	check "its upper read-only" union "$b/p2" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,ro"
	check "and again" timeout 20 "$PLYFS" -o "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,ro" "$b/p2"
	check_equal "is mounted once" 1 "$(mounts "$b/p2")"
	check "unmounted" union_umount "$b/p2"
	check "unmounted" union_umount "$b/merged"
}
