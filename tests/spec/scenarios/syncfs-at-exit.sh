# SPDX-License-Identifier: Apache-2.0
# title: the upper is synced when the daemon ends, because syncfs(2) and remounting read-only don't reach it
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
	trace_daemon "$(cat "$BASE/m.pid")" -e trace=syncfs,sync
	"$@"
	trace_end
}

scenario() {
	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work" || { echo "FAIL: mount"; return; }
	echo 2 >m/file
	traced sync -f m/file
	check "syncfs isn't seen by the daemon" sh -c '! grep -q syncfs trace'
	traced mount -i -o remount,ro "$BASE/m"
	check "neither is remounting" sh -c '! grep -q syncfs trace'
	traced union_umount "$BASE/m"
	check "the upper is synced at the end" grep -q 'syncfs.*= 0' trace
	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work,volatile" || { echo "FAIL: mount"; return; }
	echo 3 >m/file
	traced union_umount "$BASE/m"
	check "not with volatile" sh -c '! grep -q syncfs trace'
}
