# SPDX-License-Identifier: Apache-2.0
# title: a union can be mounted over its own layers and over directories that hold them, as with kernel overlayfs
# labels: quick
# not-mounted: yes

layers() {
	put l1/f lower
	put l1/d/x lower
	put l2/d/y second
}

# A new directory r with the layers in it.
make() {
	rm -rf r
	mkdir -p r/lower r/second r/upper/u r/work/sub
	cp -a l1/. r/lower
	cp -a l2/. r/second
	put r/upper/d/z upper
}

# all DIR...: without what the test itself puts beside a mountpoint
all() {
	find "$@" ! -name '*.pid' ! -name '*.log' | sort
}

use() {
	try all .
	try sh -c 'cat f d/x d/y d/z; echo new >new; rm f; mkdir made; mv d/x made/x; echo more >>d/y; chmod 600 d/z; cat d/y made/x'
	try all .
	try stat -c '%n %a' d d/z
}

# over CLAIM MOUNTPOINT LOWERDIR: used and unmounted, twice, and what is left below.
over() {
	local b=$BASE time

	echo "== $1"
	make
	[ -z "${4:-}" ] || $4
	for time in first second; do
		union "$b/$2" "lowerdir=$3,upperdir=$b/r/upper,workdir=$b/r/work" || { echo "FAIL: $1: not mounted"; return; }
		if [ $time = first ]; then (cd "$2" && use); else try all "$2"; fi
		union_umount "$b/$2" || echo "FAIL: $1: unmount"
	done
	try all r ! -path "r/work/*"
	try cat r/lower/f r/lower/d/x r/second/d/y r/upper/d/y
	try sh -c 'ls -A r/work | grep -v -x -e plyfs.state -e index -e nlink'
	[ -z "${4:-}" ] || umount r/lower
}

# The lower is a mount of its own, as where an image is mounted there first.
lower_mounted() {
	mount --bind l1 r/lower
}

scenario() {
	local r=$BASE/r

	over "the mountpoint holds all of them" r "$r/lower:$r/second"
	over "the mountpoint holds all, the lower is a mount" r "$r/lower:$r/second" lower_mounted
	over "the mountpoint is the first lower" r/lower "$r/lower:$r/second"
	over "the mountpoint is another lower" r/second "$r/lower:$r/second"
	over "the mountpoint is the upper" r/upper "$r/lower:$r/second"
	over "the mountpoint is the work directory" r/work "$r/lower:$r/second"
	over "the mountpoint lies in a lower" r/lower/d "$r/lower:$r/second"
	over "the mountpoint lies in the upper" r/upper/u "$r/lower:$r/second"
	over "the mountpoint lies in the work directory" r/work/sub "$r/lower:$r/second"
	rm -rf r
}
