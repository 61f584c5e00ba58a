# SPDX-License-Identifier: Apache-2.0
# title: noatime, relatime and strictatime of the union decide over access times, whatever the upper's mount says
# labels: quick
# not-mounted: yes

layers() {
	mkdir -p rw/upper rw/work merged
	put l1/low 1
	put rw/upper/unread 1
	touch -a -d '2001-01-01' rw/upper/unread
	put rw/upper/read 1
	touch -a -d '1 hour' rw/upper/read
}

# reads UPPER-MODE UNION-MODE NAME
reads() {
	local before changed=

	mount --bind rw rw && mount -o "remount,bind,$1" rw || echo "FAIL: bind"
	before=$(stat -c %x "rw/upper/$3")
	union "$BASE/merged" "lowerdir=$BASE/l1,upperdir=$BASE/rw/upper,workdir=$BASE/rw/work,$2" || echo "FAIL: mount"
	cat "merged/$3" merged/low >/dev/null
	union_umount "$BASE/merged" || echo "FAIL: unmount"
	[ "$before" = "$(stat -c %x "rw/upper/$3")" ] || changed=", access time set"
	umount rw
	echo "$2 over $1, $3$changed"
	touch -a -d "$before" "rw/upper/$3"
}

scenario() {
	local upper union

	for upper in noatime relatime strictatime; do
		for union in noatime relatime strictatime; do
			reads $upper $union unread
			reads $upper $union read
		done
	done
}
