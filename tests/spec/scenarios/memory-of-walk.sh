# SPDX-License-Identifier: Apache-2.0
# title: walking 30,000 files takes less than 400 bytes of memory for each
# timeout: 120
# plyfs-only: the daemon's memory is measured

layers() {
	local i

	for i in $(seq 100); do
		mkdir -p "l1/d$i" "l2/d$i"
		(cd "l1/d$i" && seq 150 | sed 's/^/file-name-/' | xargs touch)
		(cd "l2/d$i" && seq 151 300 | sed 's/^/file-name-/' | xargs touch)
	done
}

rss() {
	sed -n 's/^VmRSS: *\([0-9]*\) kB/\1/p' "/proc/$(cat "$BASE/merged.pid")/status"
}

scenario() {
	local before after

	ls -A >/dev/null
	before=$(rss)
	check_equal "entries" 30101 "$(find . -printf '%s\n' | wc -l)"
	after=$(rss)
	check "at most 12,000 KiB more ($((after - before)) KiB)" test $((after - before)) -lt 12000
}
