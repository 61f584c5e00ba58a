# SPDX-License-Identifier: Apache-2.0
# title: low_latency: processors are kept from halting while requests come densely, and at no other time
# labels: quick
# plyfs-only: about plyfs's daemon
# not-mounted: yes
# alone: the request that it looks at is of the whole machine, and other mounts make it too

DEVICE=/dev/cpu_dma_latency
DRIVER=/sys/devices/system/cpu/cpuidle/current_driver

layers() {
	put l1/file lower
	mkdir -p m
}

# What holds for the machine now, in microseconds; 0: idle processors poll.
latency() {
	od -A n -t d4 -N 4 $DEVICE | tr -d ' '
}

mounted() {
	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work$1" 9<&- || { echo "FAIL: mount"; return 1; }
	pid=$(cat m.pid)
}

# ask NAME N: so many requests, one after the other: names that don't exist. A mount must not have been asked for NAME before, or the kernel
# answers by itself.
ask() {
	local i

	for ((i = 0; i < $2; i++)); do
		[ ! -e "m/$1-$i" ] || return 1
	done
}

# Until the file `asking` goes.
ask_on() {
	local i=0

	while [ -e asking ]; do
		[ ! -e "m/on-$((i += 1))" ] || return 1
	done
}

# sampled FILE COMMAND...: what held while the command ran goes to FILE, a line each few milliseconds; its status is the command's.
sampled() {
	local to=$1 rc=0 sampler
	shift

	: >sampling
	while [ -e sampling ]; do latency; done >"$to" &
	sampler=$!
	"$@" || rc=$?
	rm -f sampling
	wait $sampler || rc=$?
	return $rc
}

# came VALUE SECONDS: until it holds.
came() {
	local tries=$(($2 * 100))

	until [ "$(latency)" = "$1" ]; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.01
	done
}

# One request at a time, then fewer than a batch at once, with pauses: some hundred a second. It is looked at right after requests too, as
# samples are taken in between.
ask_little() {
	local i

	for ((i = 0; i < 100; i++)); do
		ask "one-$i" 1 || return
		latency >>little-after || return
		sleep 0.005
	done
	for ((i = 0; i < 20; i++)); do
		ask "some-$i" 20 || return
		latency >>little-after || return
		sleep 0.05
	done
}

# count VALUE FILE: lines that are just that.
count() {
	grep -c -x -e "$1" "$2"
}

# How often the thread that decides has slept.
sleeps() {
	local task

	for task in /proc/"$1"/task/*; do
		[ "$(cat "$task/comm")" != plyfs-latency ] || awk '$1 == "voluntary_ctxt_switches:" { print $2 }' "$task/status"
	done
}

opens_device() {
	readlink /proc/"$1"/fd/* | grep -q -x $DEVICE
}

off() {
	mounted ,low_latency=off || return
	check "off: requests are answered" sampled plain ask plain 20000
	check "off: it was looked at" [ "$(wc -l <plain)" -gt 10 ]
	check_equal "off: processors may halt" 0 "$(count 0 plain)"
	check "off: the device isn't open" eval '! opens_device "$pid"'
	check "unmount" union_umount "$BASE/m"
}

# auto OPTION DRIVER YES-OR-NO: whether it is on where the driver of idle processors is that one.
auto() {
	echo "$2" >driver
	mount --bind driver $DRIVER || { echo "FAIL: a driver"; return; }
	mounted "$1" || return
	check_equal "option '$1', driver $2: it is on" "$3" "$(opens_device "$pid" && echo yes || echo no)"
	check "unmount" union_umount "$BASE/m"
	umount $DRIVER
}

few() {
	local before after

	before=$(sleeps "$pid")
	check "mounted: the thread is there" [ "${before:-0}" -gt 0 ]
	check "mounted: it is looked at" sampled idle sleep 0.5
	check_equal "no requests: processors may halt" "$(wc -l <idle)" "$(count "$free" idle)"
	check_equal "no requests: the thread sleeps" "$before" "$(sleeps "$pid")"
	check "few requests: they are answered" sampled little ask_little
	after=$(sleeps "$pid")
	check "few requests: the thread saw 500 of them ($((after - before)) looks)" [ $((after - before)) -ge 15 ]
	check "few requests: it sleeps between batches ($((after - before)) looks)" [ $((after - before)) -le 40 ]
	check "few requests: it was looked at" [ "$(wc -l <little)" -gt 100 ]
	check_equal "few requests: processors may halt" "$(wc -l <little)" "$(count "$free" little)"
	check_equal "few requests: also right after them" 120 "$(count "$free" little-after)"
}

mostly_held() {
	[ "$(wc -l <many)" -gt 10 ] && [ "$(count 0 many)" -gt $(($(wc -l <many) / 2)) ]
}

# On a machine with other work requests may come too slowly, so there are several tries.
dense() {
	local before tries=5

	until sampled many ask "many-$tries" 20000 && mostly_held; do
		[ $((tries -= 1)) -gt 0 ] || break
	done
	check "dense requests: idle processors poll, mostly ($(count 0 many) of $(wc -l <many))" mostly_held
	check "after a pause: processors may halt" came "$free" 1
	sleep 0.1
	before=$(sleeps "$pid")
	check "after a pause: it is looked at" sampled pause sleep 0.5
	check_equal "after a pause: they may all the time" "$(wc -l <pause)" "$(count "$free" pause)"
	check_equal "after a pause: the thread sleeps" "$before" "$(sleeps "$pid")"
}

# ended HOW COMMAND...: while requests come densely the command ends the daemon.
ended() {
	local how=$1 asker
	shift

	mounted ,low_latency || return
	: >asking
	ask_on 2>/dev/null &
	asker=$!
	check "$how: idle processors poll before" came 0 5
	check "$how: it is done" "$@"
	check "$how: the daemon goes" wait_gone "$pid" 20
	# A killed leader shows as gone while other threads of it still end.
	check "$how: processors may halt" came "$free" 1
	rm -f asking
	wait $asker
	! is_mounted "$BASE/m" || umount -l m
	rm -rf upper work
	mkdir upper work
}

scenario() {
	local free pid

	[ -e $DRIVER ] || unsupported "the machine has no $DRIVER"
	[ -c $DEVICE ] && exec 9<$DEVICE || unsupported "the machine has no $DEVICE"
	# It is the whole machine's: runs beside this one wait for it.
	flock -w 40 9 || unsupported "$DEVICE is somebody else's for long"
	free=$(latency)
	[ "$free" != 0 ] || unsupported "somebody holds $DEVICE at 0"
	off
	auto "" haltpoll yes
	auto ,low_latency=auto haltpoll yes
	auto "" intel_idle no
	auto "" haltpolling no
	auto ,low_latency haltpoll yes
	auto ,low_latency intel_idle yes
	auto ,low_latency=off haltpoll no
	mounted ,low_latency || return
	check "with the option: the device is open" opens_device "$pid"
	few
	dense
	check "unmount right after requests" eval 'ask last 5000 && union_umount "$BASE/m"'
	check "after the unmount: processors may halt" came "$free" 1
	ended "SIGTERM" eval 'kill -TERM "$pid"'
	ended "SIGKILL" eval 'kill -KILL "$pid"'
	ended "detached" umount -l m
}
