# SPDX-License-Identifier: Apache-2.0
# title: names that nobody touches show exactly once while another process deletes around them
# labels: quick

layers() {
	local i

	mkdir -p l1/dir l2/dir
	for i in $(seq 3000); do
		echo x >"l1/dir/gone$i"
		[ $((i % 3)) -ne 0 ] || echo x >"l2/dir/stays$i"
	done
}

scenario() {
	"$SC" list dir 512 >/dev/null
	(cd dir && seq 3000 | sed 's/^/gone/' | xargs rm) &
	local pass bad=0
	for pass in 1 2 3 4 5; do
		[ "$("$SC" list dir 512 | grep -c '^stays')" = 1000 ] || bad=$((bad + 1))
		[ -z "$("$SC" list dir 512 | uniq -d)" ] || bad=$((bad + 1))
	done
	wait
	check_equal "every pass saw each name once" 0 $bad
	try sc list dir | wc -l
	"$SC" list dir | md5sum
}
