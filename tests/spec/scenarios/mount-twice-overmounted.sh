# SPDX-License-Identifier: Apache-2.0
# title: the same mount asked for twice is one mount where it covers its own layers
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/f lower
	put l1/d/x lower
}

# A new directory r with the layers in it, of which the union shows names like theirs.
make() {
	rm -rf r
	mkdir -p r/lower r/second r/upper/upper r/work/sub
	cp -a l1/. r/lower
	mkdir r/lower/lower r/lower/work
	ln -s lower r/inner
	ln -s ../second/../inner r/lower/winding
}

again() { timeout 20 "$PLYFS" -o "$PLYFS_DEFAULTS,$1" "$2" </dev/null; }

mounts() { grep -c " $BASE/$1 " /proc/self/mountinfo; }

# twice MOUNTPOINT OPTIONS [OPTIONS]: the second time with other words
twice() {
	local point=$1 claim="over $1${3:+, in other words}"

	make
	check "$claim" union "$BASE/$point" "$2"
	check "$claim: the second call" again "${3-$2}" "$BASE/$point"
	check_equal "$claim: mounted once" 1 "$(mounts "$point")"
	check_equal "$claim: content" "lower lower" "$(echo $(cat $point/f $point/d/x))"
	check "$claim: unmounted" union_umount "$BASE/$point"
	check_equal "$claim: nothing is left" 0 "$(mounts "$point")"
}

# Several calls at the same time.
at_once() {
	local calls=() call status=0

	for call in 1 2 3 4; do
		timeout 20 "$PLYFS" -o "$1,pidfile=$BASE/r$call.pid" "$BASE/r" </dev/null &
		calls+=($!)
	done
	for call in "${calls[@]}"; do wait "$call" || status=1; done
	mount_minor "$BASE/r" >>"$MINORS"
	cat r?.pid >r.pid
	return $status
}

scenario() {
	local r=$BASE/r point
	local rw="lowerdir=$r/lower:$r/second,upperdir=$r/upper,workdir=$r/work" ro="lowerdir=$r/lower:$r/second"

	for point in r r/lower r/second r/upper r/work r/lower/d; do twice $point "$rw"; done
	for point in r r/lower r/second; do twice $point "$ro"; done
	twice r "$rw" "lowerdir=$r/inner:$r/lower/../second,upperdir=$r/upper,workdir=$r/inner/../work"
	twice r "$ro" "lowerdir=$r/lower/winding:$r/second"
	twice r "lowerdir=$r/inner:$r/second" "$ro"
	ln -s r link
	twice r "$rw" "lowerdir=r//lower:link/./second/,upperdir=r/../r/upper,workdir=link/work"
	make
	rmdir r/lower/lower r/lower/work r/upper/upper
	check "four calls at once" at_once "$rw"
	check_equal "make one mount" 1 "$(mounts r)"
	mv r.pid first.pid
	check "other layers" union "$r" "lowerdir=$BASE/l1"
	check_equal "are mounted on top" 2 "$(mounts r)"
	check "unmounted" union_umount "$r"
	mv first.pid r.pid
	check "both" union_umount "$r"
	rm -rf r
}
