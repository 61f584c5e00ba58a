# SPDX-License-Identifier: Apache-2.0
# title: a union over the machine's own directories is served, tells what it is asked and ends
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

# at DIR [OPTION...]: the union of DIR and an empty upper over DIR itself. What the daemon, the C library or libfuse looks for there, its own
# threads would have to answer.
at() {
	local b=$BASE dir=$1 pid

	rm -rf upper work log pid
	mkdir upper work
	shift
	if ! timeout -k 1 15 "$b/plyfs" -o "lowerdir=$dir,upperdir=$b/upper,workdir=$b/work,pidfile=$b/pid,log=$b/log$(printf ',%s' "$@")" \
		"$dir" </dev/null 2>said; then
		echo "FAIL: $dir: $(cat said)"
		return
	fi
	mount_minor "$dir" >>"$MINORS"
	pid=$(cat pid)
	use "$dir"
	kill -USR1 "$pid"
	check "$dir: it tells its counters" wait_until grep -q status: log
	kill -TERM "$pid"
	check "$dir: it ends" wait_gone "$pid" 10
	check_equal "$dir: nothing is mounted" 0 "$(grep -c " $dir .* fuse.plyfs " /proc/self/mountinfo)"
	check_equal "$dir: the upper" "made" "$(cat upper/plyfs-spec/x)"
}

# use DIR: by several at a time, so that all of the daemon's threads come into being.
use() {
	local lister listers=() failed=0

	for lister in 1 2 3 4 5 6; do
		timeout 10 sh -c 'ls -A "$0" && ls -d "$0/missing$1"; test $? = 2' "$1" "$lister" >/dev/null 2>&1 &
		listers+=($!)
	done
	for lister in "${listers[@]}"; do wait "$lister" || failed=1; done
	check_equal "$1: it lists and looks up" 0 $failed
	timeout 10 sh -c 'mkdir "$0/plyfs-spec" && echo made >"$0/plyfs-spec/x"' "$1" || echo "FAIL: $1: it isn't written"
}

scenario() {
	local b=$BASE dir pid

	cp "$PLYFS" plyfs
	# As on a machine that systemd started: who finds it runs mount(8) for the table of mounts.
	mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/mount && : >/run/mount/utab
	for dir in /etc /usr /run /dev; do at $dir; done
	at /sys io_uring
	# who goes by the root directory goes on below it
	check "the root" timeout -k 1 15 "$b/plyfs" -o "lowerdir=/,upperdir=$b/upper,workdir=$b/work,pidfile=$b/pid" / </dev/null
	mount_minor / >>"$MINORS"
	check_equal "can be gone into" "made" "$(sh -c 'cd -P /.. && chroot . cat /plyfs-spec/x')"
	pid=$(cat pid)
	kill -TERM "$pid"
	check "it ends" wait_gone "$pid" 10
	check_equal "nothing is mounted" 0 "$(grep -c " / / .* fuse.plyfs " /proc/self/mountinfo)"
}
