# SPDX-License-Identifier: Apache-2.0
# title: a union over its own layers is mounted, asked for again, signalled and mounted anew like any other
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	mkdir -p r/lower r/upper r/work
	put r/lower/x lower
	put l1/y low
	put l1/sub/y below
}

# starts CLAIM STATUS LINE OPTIONS MOUNTPOINT
starts() {
	local rc=0

	timeout -k 1 20 "$PLYFS" -o "$4" "$5" </dev/null 2>said || rc=$?
	check_equal "$1" "$2 $3" "$rc $(cat said)"
	mount_minor "$5" >>"$MINORS"
}

# The directories below the mount, by another way.
below() {
	(cd "$BASE/below" && "$@")
}

scenario() {
	local b=$BASE r=$BASE/r pid again busy options fd

	options="lowerdir=$r/lower,upperdir=$r/upper,workdir=$r/work"
	mkdir below && mount --bind "$b/r" below
	starts "mounted, log and pid file are covered" 0 "" "$options,pidfile=$r/pid,log=$r/log" "$r"
	pid=$(below cat pid)
	check "the pid is the daemon's" runs "$pid" "$PLYFS"
	check "the state file is there" below test -s work/plyfs.state
	check_equal "neither shows" "x" "$(ls r)"
	kill -USR1 "$pid"
	check "its log says what it is asked" wait_until below grep -q status: log
	starts "asked for again, the layers are covered" 0 "" "$options" "$r"
	starts "and others there" 1 "plyfs: upperdir: $r/other: No such file or directory" "${options/upper,/other,}" "$r"
	check_equal "it is one" 1 "$(grep -c " $r .* fuse.plyfs " /proc/self/mountinfo)"
	echo more >>r/x
	umount r
	check "the daemon leaves" wait_gone "$pid" 10
	check_equal "the pid file has gone" "log lower upper work" "$(echo $(ls r))"
	check_equal "and the state file" "work" "$(ls r/work | grep -v -x -e index -e nlink)"

	starts "mounted anew" 0 "" "$options,pidfile=$b/pid" "$r"
	check_equal "with what was written" "lower more" "$(echo $(cat r/x))"
	exec {busy}<r/x
	umount -l r
	(sleep 0.3 && exec {busy}<&-) &
	exec {busy}<&-
	starts "mounted at once, waits for the first" 0 "" "$options,pidfile=$b/pid" "$r"
	check_equal "it is one" 1 "$(grep -c " $r .* fuse.plyfs " /proc/self/mountinfo)"
	kill -TERM "$(cat pid)"
	check "it is unmounted by a signal" wait_until sh -c '! grep -q " $0 .* fuse.plyfs " /proc/self/mountinfo' "$r"
	wait

	exec {fd}<r
	starts "by a descriptor of the mountpoint" 0 "" "$options,pidfile=$b/pid" "/dev/fd/$fd"
	check_equal "it is mounted there" "lower more" "$(echo $(timeout 5 cat r/x))"
	pid=$(cat pid)
	umount -l r
	exec {fd}<&-
	check "the daemon leaves" wait_gone "$pid" 10

	for again in first second; do starts "read-only over its layer, $again" 0 "" "lowerdir=$b/l1,pidfile=$b/pid.$again" "$b/l1"; done
	check_equal "shows the file" "low" "$(cat l1/y)"
	check "and is one" test ! -e pid.second
	# A directory of the union is another layer, and is mounted on top as by the kernel.
	starts "over the union" 0 "" "lowerdir=$b/l1/sub,pidfile=$b/pid.second" "$b/l1"
	check_equal "shows what the union has" "below" "$(cat l1/y)"
	for again in second first; do
		pid=$(cat "pid.$again")
		umount l1
		check "the $again daemon leaves" wait_gone "$pid" 10
	done
	umount below
}
