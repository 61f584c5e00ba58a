# SPDX-License-Identifier: Apache-2.0
# title: cache_max bounds the memory of listings, and what is listed stays the same
# plyfs-only: about plyfs's daemon
# variants: newfuse
# not-mounted: yes

DIRS=40
FILES=1000

layers() {
	local d

	mkdir -p m l1
	for d in $(seq $DIRS); do
		mkdir l1/d"$d"
		(cd l1/d"$d" && seq -f "a-rather-long-name-so-that-listings-are-big-%g" $FILES | xargs touch)
	done
}

rss_kib() {
	awk '/^VmRSS:/ { print $2 }' /proc/"$(cat "$BASE/m.pid")"/status
}

# growth OPTIONS: of the daemon by two walks, in KiB; what they show goes to a file.
growth() {
	local before

	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work$1" || { echo "FAIL: mount"; return; }
	before=$(rss_kib)
	find m | sort | cksum >>walks
	find m | sort | cksum >>walks
	echo $(($(rss_kib) - before))
	union_umount "$BASE/m" >&2
}

scenario() {
	local free bounded

	free=$(growth ,cache_max=64M)
	bounded=$(growth ,cache_max=256K)
	echo "growth $free KiB, with cache_max $bounded KiB" >&2
	check "all walks show the same" [ "$(sort -u walks | wc -l)" = 1 ]
	check "listings take less" [ $((free - bounded)) -gt 1000 ]
}
