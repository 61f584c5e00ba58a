# SPDX-License-Identifier: Apache-2.0
# title: io_uring: the same answers, from a ring where the kernel consents, by reading where it doesn't
# plyfs-only: about plyfs's daemon
# variants: newfuse
# not-mounted: yes

SWITCH=/sys/module/fuse/parameters/enable_uring

layers() {
	put l1/dir/file lower
	put l1/suid "s"
	put l1/gone g
	dd if=/dev/urandom of=l1/big bs=64k count=48 status=none
	chmod 4755 l1/suid
	mkdir -p m
}

ring_threads() {
	grep -l '^fuse-ring' /proc/"$1"/task/*/comm 2>/dev/null | wc -l
}

# Over a union mounted at m: names, data from several processes at once, setuid, a copy-up that is waited for.
work() {
	local i

	cat m/dir/file
	cmp l1/big m/big && echo "big: same"
	echo changed >m/dir/file
	cat m/dir/file l1/dir/file
	for i in 1 2 3 4; do
		(head -c 3000000 /dev/zero | tr '\0' "$i" >m/new"$i") &
	done
	wait
	cat m/new? | cksum
	echo x >>m/big
	cmp -n 3145728 l1/big m/big && stat -c %s m/big
	chmod 4777 m/suid
	setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'echo y >>m/suid'
	stat -c 'suid %a' m/suid
	rm m/gone
	mv m/new1 m/renamed
	ls m
	find m -type f | wc -l
}

figures() {
	control "$BASE/m" '{"op":"status"}' >status
	python3 - <<-'END'
		import json
		status = json.load(open("status"))
		for name in "write", "read", "lookup":
		    counted, timed = status["counters"][name], status["latencies"][name]
		    buckets = sum(n for _, n in timed["buckets"])
		    if not counted == timed["count"] == buckets or not timed["sum_ns"]:
		        print(f"FAIL: {name}: {counted} counted, {timed['count']} timed")
	END
}

# Each write is in the counters and in the histogram of latencies, also those that waited for a copy-up. Of a ring a
# request is timed when its answer is on its way, so the last ones may be seen a moment later.
counted() {
	local i

	for i in $(seq 100); do
		figures >figures
		[ -s figures ] || return
		sleep 0.1
	done
	cat figures
}

# answers OPTIONS THREADS: what `work` saw; the daemon must have that many threads of a ring (0: none, 1: some).
answers() {
	local pid threads

	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work,control_socket=$BASE/control$1" ||
		{ echo "FAIL: mount"; return; }
	pid=$(cat "$BASE/m.pid")
	work 2>&1
	counted
	threads=$(ring_threads "$pid")
	[ $((threads > 0)) -eq "$2" ] || echo "FAIL: threads of a ring: $threads"
	union_umount "$BASE/m" 2>&1
	rm -rf upper work
	mkdir upper work
}

scenario() {
	local before

	"$PLYFS" --version | grep -q 'io_uring yes' || unsupported "the libfuse in use has no io_uring"
	mkdir -m 700 control
	before=$(cat $SWITCH 2>/dev/null) || unsupported "the kernel has no FUSE over io_uring"
	echo Y >$SWITCH || unsupported "FUSE over io_uring can't be switched on"
	answers "" 0 >plain
	answers ,io_uring 1 >ring
	echo N >$SWITCH
	answers ,io_uring 0 >refused
	echo "$before" >$SWITCH
	check "no failure" sh -c '! grep FAIL plain ring refused'
	check "setuid goes with a stranger's write" grep -qx 'suid 777' ring
	check "a ring answers the same" diff plain ring
	check "without the kernel's consent too" diff plain refused
}
