# SPDX-License-Identifier: Apache-2.0
# title: copied data is synced before the copy gets its name
# labels: quick
# plyfs-only: the daemon's system calls are watched
# needs: strace

layers() {
	fill l1/file 300000
}

scenario() {
	local sync name

	trace_daemon "$(cat "$BASE/merged.pid")" -e trace=fsync,fdatasync,linkat,renameat,renameat2
	"$SC" fd open:file:rw pwrite:0:x >/dev/null
	trace_end
	sync=$(grep -n -E 'f(data)?sync\(' "$BASE/trace" | head -1 | cut -d: -f1)
	name=$(grep -n -E '(linkat|renameat2?)\(' "$BASE/trace" | head -1 | cut -d: -f1)
	check "a sync comes before the name (sync at ${sync:-none}, name at ${name:-none})" test "${sync:-999}" -lt "${name:-0}"
	upper_has file
}
