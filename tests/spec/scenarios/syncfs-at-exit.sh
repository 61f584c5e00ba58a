# SPDX-License-Identifier: Apache-2.0
# title: the upper is synced when the daemon ends, because syncfs(2) doesn't reach it
# plyfs-only: the kernel passes syncfs on to the upper
# variants: tsan newfuse
# needs: strace
# not-mounted: yes

layers() {
	put l1/file 1
	mkdir -p m
}

# traced COMMAND...: the daemon's calls that sync whole file systems while the command runs.
traced() {
	local pid tracer tries=100

	pid=$(cat "$BASE/m.pid")
	strace -f -qq -e trace=syncfs,sync -o "$BASE/trace" -p "$pid" 2>/dev/null &
	tracer=$!
	until grep -q "^TracerPid:[[:space:]]*$tracer$" "/proc/$pid/status" || [ $((tries -= 1)) -eq 0 ]; do
		sleep 0.05
	done
	"$@"
	kill $tracer 2>/dev/null
	wait $tracer
}

scenario() {
	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work" || { echo "FAIL: mount"; return; }
	echo 2 >m/file
	traced sync -f m/file
	check "syncfs isn't seen by the daemon" sh -c '! grep -q syncfs trace'
	traced union_umount "$BASE/m"
	check "the upper is synced at the end" grep -q 'syncfs.*= 0' trace
	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work,volatile" || { echo "FAIL: mount"; return; }
	echo 3 >m/file
	traced union_umount "$BASE/m"
	check "not with volatile" sh -c '! grep -q syncfs trace'
}
