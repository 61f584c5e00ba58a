# SPDX-License-Identifier: Apache-2.0
# title: processes that make and remove the same names at once leave a consistent tree
# labels: quick

layers() {
	local i

	for i in $(seq 40); do put "l1/dir/n$i" "$i"; done
}

worker() {
	local i

	for i in $(seq 40); do
		rm -f "dir/n$i"
		echo x >"dir/n$i"
		mkdir -p "made/a/b$((i % 4))/c"
		mv "dir/n$i" "dir/m$i" 2>/dev/null
		rmdir "made/a/b$((i % 4))/c" 2>/dev/null
	done
}

scenario() {
	local w

	for w in 1 2 3 4; do worker 2>/dev/null & done
	wait
	check_equal "what is listed can be looked up" "" "$(cd dir && ls -A | while read -r f; do [ -e "$f" ] || echo "$f"; done)"
	check_equal "no name shows twice" "" "$("$SC" list dir | uniq -d)"
	try rm -r dir made
	try ls -A
}
