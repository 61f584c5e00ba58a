# SPDX-License-Identifier: Apache-2.0
# title: a connection that is cut, by abort or from below the mount, ends the daemon: at rest, under load, and when what hung in a layer comes back
# labels: quick
# not-mounted: yes
# plyfs-only: about plyfs's daemon
# timeout: 120

layers() {
	put l1/file lower
	put l2/slow/file slow
	mkdir -p layer m control
}

mounted() {
	mount_plyfs "$BASE/m" "lowerdir=$1,upperdir=upper,workdir=work" || { echo "FAIL: mount"; return 1; }
	pid=$(cat m.pid)
	minor=$(mount_minor "$BASE/m")
}

# ask_on N: until the file `asking` goes, or the connection.
ask_on() {
	local i=0

	while [ -e asking ] && stat m/file >/dev/null 2>&1; do
		[ ! -e "m/on$1-$((i += 1))" ] || return 1
	done
}

# ended HOW COMMAND...: the command ends the daemon.
ended() {
	local how=$1
	shift

	check "$how: it is done" "$@"
	check "$how: the daemon goes" wait_gone "$pid" 20
	! is_mounted "$BASE/m" || umount -l m
	rm -rf upper work
	mkdir upper work
}

cut() {
	echo 1 >"control/$minor/abort"
}

under_load() {
	local how=$1 i askers=""
	shift

	mounted l1 || return
	: >asking
	for i in 1 2 3 4 5 6 7 8; do
		ask_on "$i" &
		askers+=" $!"
	done
	check "$how: requests are under way" wait_until eval '[ "$(requests "$BASE/m")" -gt 200 ]'
	ended "$how" "$@"
	rm -f asking
	# shellcheck disable=SC2086
	wait $askers
}

scenario() {
	local pid minor layer asker

	mount -t fusectl control control 2>/dev/null || unsupported "the kernel's list of FUSE connections can't be had"
	mounted l1 && ended "cut at rest" cut
	mounted l1 && cat m/file && ended "cut after a request" cut
	under_load "cut under load" cut
	under_load "unmounted under load" umount -l m
	under_load "ended under load" eval 'kill -TERM "$pid"'

	mount_plyfs "$BASE/layer" "lowerdir=l2" || { echo "FAIL: mount of the layer"; return; }
	layer=$(cat layer.pid)
	mounted layer:l1 || return
	check "slow is known" stat m/slow
	suspend "$layer"
	cat m/slow/file >asked 2>&1 &
	asker=$!
	check "a request hangs in a layer" wait_until eval '[ "$(cat "control/$(mount_minor "$BASE/layer")/waiting")" -ge 1 ]'
	check "cut while it hangs" cut
	check "cut while it hangs: who asked is told" wait_until eval '! kill -0 '"$asker"' 2>/dev/null'
	kill -CONT "$layer"
	wait "$asker"
	ended "cut while it hung" true
	check "unmount of the layer" union_umount "$BASE/layer"
	umount control
}
