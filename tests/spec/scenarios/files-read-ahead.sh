# SPDX-License-Identifier: Apache-2.0
# title: who reads files one after the other, by their names or in their directory's order, has the next one read ahead; who asks for attributes has not
# plyfs-only: about plyfs's daemon
# needs: strace
# variants: newfuse
# not-mounted: yes

N=100

layers() {
	local i

	mkdir -p l1/by-name l1/in-order l2/in-order l2/only-asked m
	for i in $(seq $N); do
		echo "name $i" >l1/by-name/f"$i"
		echo "order $i" >l"$((i % 2 + 1))"/in-order/f"$i"
		echo "asked $i" >l2/only-asked/f"$i"
	done
}

# ahead COMMAND...: how often the daemon had a file read ahead meanwhile
ahead() {
	trace_daemon "$(cat "$BASE/m.pid")" -e trace=fadvise64
	"$@" >"$BASE/said"
	trace_end
	grep -c 'fadvise64(.*POSIX_FADV_WILLNEED) *= 0' "$BASE/trace"
}

by_name() { local i; for i in $(seq $N); do cat m/by-name/f"$i"; done; }
asked() { local i; for i in $(seq $N); do stat -c %s m/only-asked/f"$i"; done; }
in_order() { find m/in-order -type f -printf '%p %s\n' | cut -d' ' -f1 | xargs cat; }

scenario() {
	local n

	mount_plyfs "$BASE/m" "lowerdir=l1:l2" || { echo "FAIL: mount"; return; }
	n=$(ahead by_name)
	check "most of $N files that are looked up and read are read ahead" [ "$n" -gt $((N * 8 / 10)) ] || echo "$n" >&2
	for i in $(seq $N); do echo "name $i"; done >want
	check "and have their content" diff said want
	n=$(ahead asked)
	check "a few that are only asked for" [ "$n" -le 20 ] || echo "$n" >&2
	n=$(ahead in_order)
	check "most of those that are read in the order of their directory" [ "$n" -gt $((N * 8 / 10)) ] || echo "$n" >&2
	for i in $(seq $N); do echo "order $i"; done | sort >want
	sort said >said.sorted
	check "and have their content" diff said.sorted want
	union_umount "$BASE/m" >&2
}
