# SPDX-License-Identifier: Apache-2.0
# title: names that are missing cost no system call in directories that were listed, also when there are too many of them to keep the listings
# labels: quick
# needs: strace
# plyfs-only: system calls of plyfs's daemon are counted
# not-mounted: yes

DIRS=40

layers() {
	local i l

	mkdir -p m upper/d1
	for l in l1 l2 l3; do
		for i in $(seq $DIRS); do
			mkdir -p $l/d$i
			(cd $l/d$i && seq -f $l-name-%.0f 70 | xargs touch)
		done
	done
	# Names that are hidden, and one that the upper has.
	for i in $(seq 5); do
		whiteout upper/d1/l1-name-$i
	done
	echo upper >upper/d1/upper
}

# asked SUFFIX: one missing name in each directory, of several; how many there were
ask() {
	local i n there=0

	for i in $(seq $DIRS); do
		for n in 1 2 3; do
			[ ! -e m/d$i/missing-$n-$1 ] || there=$((there + 1))
		done
	done
	echo $there
}

# calls SUFFIX: of the daemon that look at layers while missing names are asked for
calls() {
	trace_daemon "$(cat m.pid)" -e trace=statx,openat,openat2,getdents64
	ask "$1" >asked
	trace_end
	grep -c -E 'statx|openat|getdents' trace
}

scenario() {
	local n

	check "mounted" mount_plyfs "$BASE/m" "lowerdir=l1:l2:l3,upperdir=upper,workdir=work,cache_max=64K"
	check_equal "all are listed" $((DIRS * 210 + DIRS + 2 - 5)) "$(find m | wc -l)"
	n=$(calls first)
	# That a name looks like one that is there has a chance of one in thousands.
	check "next to no call for 120 missing names ($n)" test "$n" -le 6
	check_equal "none of them is there" 0 "$(cat asked)"
	# What was removed and made since then is known too.
	rm m/d1/upper m/d2/l1-name-1 m/d3/l3-name-70
	echo new >m/d2/new
	echo new >m/d1/l1-name-1
	mkdir m/d4/l2-name-5-dir m/d2/l1-name-1
	mv m/d5/l1-name-1 m/d5/moved
	ln m/d5/l1-name-2 m/d5/linked
	check_equal "names that went and came" "d1/l1-name-1 d2/l1-name-1 d2/new d4/l2-name-5-dir d5/linked d5/moved" \
		"$(echo $(cd m && ls -d d1/upper d1/l1-name-[12] d2/l1-name-1 d2/new d3/l3-name-70 d4/l2-name-5-dir d5/l1-name-1 d5/linked d5/moved 2>/dev/null))"
	check_equal "a directory over a removed file holds nothing" "" "$(ls -A m/d2/l1-name-1)"
	find m/d[6-9] m/d[123]? >/dev/null
	n=$(calls second)
	check "still next to no call ($n)" test "$n" -le 6
	check_equal "and none is there" 0 "$(cat asked)"
	check "unmounted" union_umount "$BASE/m"
	check_equal "what was removed has its whiteout" "character special file" "$(stat -c %F upper/d3/l3-name-70)"
}
