# SPDX-License-Identifier: Apache-2.0
# title: copied data is synced before the copy gets its name, and with volatile nothing is
# labels: quick
# plyfs-only: the daemon's system calls are watched
# needs: strace

layers() {
	fill l1/file 300000
	put l1/other 1
}

scenario() {
	local pid sync name

	strace -f -qq -e trace=fsync,fdatasync,linkat,renameat,renameat2,sync_file_range,syncfs -o "$BASE/trace" -p "$(cat "$BASE/merged.pid")" 2>/dev/null &
	pid=$!
	sleep 0.5
	"$SC" fd open:file:rw pwrite:0:x >/dev/null
	sleep 0.3
	sync=$(grep -n -E 'f(data)?sync\(' "$BASE/trace" | head -1 | cut -d: -f1)
	name=$(grep -n -E '(linkat|renameat2?)\(' "$BASE/trace" | head -1 | cut -d: -f1)
	check "a sync comes before the name (sync at ${sync:-none}, name at ${name:-none})" test "${sync:-999}" -lt "${name:-0}"
	kill $pid
	wait $pid 2>/dev/null
	rm "$BASE/trace"
	upper_has file
}
