# SPDX-License-Identifier: Apache-2.0
# title: after umount returned the same upper can be mounted at once, however long the old daemon needs to sync it
# plyfs-only: the daemon's life
# needs: strace
# not-mounted: yes

layers() {
	local i

	for i in $(seq 20); do put l1/f$i low; done
	mkdir m
}

# mounted OPTIONS
mounted() {
	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work$1"
}

# written TEXT NUMBER: what was written is there.
written() {
	echo "$1" >m/new && echo "$1" >>"m/f$(($2 % 20 + 1))" && [ "$(cat m/new)" = "$1" ]
}

loop() {
	for i in $(seq 20); do
		mounted "" && written "$i" "$i" && umount m || { echo "round $i"; return 1; }
		[ $((i % 3)) -ne 0 ] || { mounted ,ro && [ "$(cat m/new)" = "$i" ] && umount m; } || { echo "read-only after round $i"; return 1; }
	done
}

# slow SECONDS: what umount returns from while the daemon has that much to do.
slow() {
	trace_daemon "$(cat m.pid)" -e trace=syncfs -e inject=syncfs:delay_enter=${1}000000
	umount m
}

scenario() {
	check "twenty times" loop
	# LeakSanitizer, which looks at the exit, doesn't work under strace.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 mounted "" && written slowly 1
	slow 7
	check "the old daemon is still there" pid_alive "$(cat m.pid)"
	check "a daemon with much to sync is waited for" mounted ""
	check "and what it synced is there" [ "$(cat m/new)" = slowly ]
	union_umount "$BASE/m" || echo "FAIL: unmount"
}
