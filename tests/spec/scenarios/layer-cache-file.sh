# SPDX-License-Identifier: Apache-2.0
# title: a cache that is missing, damaged, cut off or another layer's is harmless, at mount and under it
# labels: quick
# plyfs-only: about plyfs's own option
# needs: strace
# not-mounted: yes
# timeout: 240

STACK=s/1:s/2

layers() {
	local i d

	mkdir -p m n index s/1 s/2 other
	for i in 1 2; do
		for d in $(seq 30); do
			mkdir -p s/$i/d"$d"/sub
			seq -f s/$i/d"$d"/file-%g-$i 40 | xargs touch
			put s/$i/d"$d"/sub/common "$i"
		done
	done
	whiteout s/1/d3/file-4-2
}

walk() { (cd "$1" && find . -printf '%p %y %i\n' | sort && find . -printf '%p %#m %n %s %C@\n' | sort); }
caches() { find index -type f ! -name '*.new' | sort; }
with() { mount_plyfs "$BASE/$1" "lowerdir=$STACK,layer_cache=index"; }

both_there() { [ "$(caches | wc -l)" = 2 ]; }

make_caches() {
	with m || return
	wait_until both_there
	union_umount "$BASE/m"
	both_there
}

# harmless CLAIM: a mount shows the same, and the next has good caches.
harmless() {
	with m && walk m >seen
	check "$1: the same is shown" cmp plain seen
	union_umount "$BASE/m"
	check "$1: it is made again" make_caches
	with m && walk m >seen
	check "$1: afterwards as well" cmp plain seen
	union_umount "$BASE/m"
}

# spoil CLAIM COMMAND...: COMMAND gets the name of one cache.
spoil() {
	local claim=$1
	shift
	check "$claim: made before" make_caches
	"$@" "$(caches | head -1)"
	harmless "$claim"
}

flip() { printf '\377' | dd of="$2" bs=1 seek="$1" conv=notrunc 2>/dev/null; }
flip_names() { tr '\143' '\144' <"$1" | tail -c 2000 | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 2000)) conv=notrunc 2>/dev/null; }
cut() { truncate -s "$1" "$2"; }
foreign() { cp "$(caches | tail -1)" "$1.x" && mv "$1.x" "$1"; }
foreign_owner() { chown 1:1 "$1"; }
writable() { chmod 666 "$1"; }
text() { echo not a cache >"$1"; }
directory_there() { rm "$1" && mkfifo "$1"; }
empty() { : >"$1"; }

# Under the mount: COMMAND, when one half was seen.
under() {
	local claim=$1 i
	shift
	check "$claim: made before" make_caches
	with m && (cd m && find d1 d2 d3 >/dev/null)
	for i in $(caches); do "$@" "$i"; done
	walk m >seen
	check "$claim: the same is shown" cmp plain seen
	check "$claim: the daemon lives" pid_alive "$(cat "$BASE/m.pid")"
	union_umount "$BASE/m"
	rm -rf index/*
}

# calls_of PATTERN: system calls of a fresh mount that is walked.
calls_of() {
	with m || return
	trace_daemon "$(cat "$BASE/m.pid")"
	ls -lR m >/dev/null
	trace_end
	union_umount "$BASE/m" >&2
	grep -cE "^[0-9]+ +($1)\(" trace
}

scenario() {
	mount_plyfs "$BASE/m" "lowerdir=$STACK" && walk m >plain
	union_umount "$BASE/m"
	check "a mount without a cache reads directories" [ "$(calls_of getdents64)" -gt 60 ]
	rm -f index/*
	check "caches are made" make_caches
	check_equal "a cold walk reads no directory and no xattrs" 0 "$(calls_of 'getdents64|(l|f)?listxattr|listxattrat')"
	check_equal "a cache belongs to its owner" "600 600" "$(caches | xargs stat -c %a | xargs)"

	rm -f index/*
	harmless "none"
	for at in 0 8 20 30 50 200 201 300 2000 30000; do
		spoil "byte $at changed" flip $at
	done
	for size in 0 100 255 256 4096 20000; do
		spoil "cut off at $size" cut $size
	done
	spoil "longer" cut +8
	spoil "another layer's" foreign
	spoil "somebody else's" foreign_owner
	spoil "writable for all" writable
	spoil "text" text
	spoil "a fifo" directory_there

	under "removed under the mount" rm
	under "emptied under the mount" empty
	under "cut off under the mount" cut 4096
	under "changed under the mount" flip 3000
	under "names changed under the mount" flip_names
	under "replaced under the mount" foreign

	# A crash of whoever made one.
	for i in $(make_caches; caches); do mv "$i" "$i.new"; done
	harmless "half made"
	check_equal "nothing else is left" 2 "$(find index -type f | wc -l)"
	rm -f index/*

	# Two at once, before there is a cache and after.
	with m && with n && walk m >seen && walk n >seen2
	check "two mounts show the same" cmp plain seen
	check "and so does the other" cmp plain seen2
	union_umount "$BASE/m"
	union_umount "$BASE/n"
	make_caches
	with m && with n && walk m >seen && walk n >seen2
	check "two mounts with a cache show the same" cmp plain seen
	check "and the other as well" cmp plain seen2
	put s/2/d7/sub/new 1
	check "a change shows in a directory that wasn't read" [ ! -e m/d9999 -a "$(cat s/2/d7/sub/new)" = 1 ]
	union_umount "$BASE/m"
	union_umount "$BASE/n"

	# Beneath a live mount, before the first look.
	make_caches
	with m && put s/2/d8/late 1 && rm s/1/d9/file-1-1 && chmod 600 s/2/d8/file-1-2
	check "a name that came under the mount is listed" [ -n "$(find m/d8 -name late)" ]
	check "one that went isn't" [ -z "$(find m/d9 -name file-1-1)" ]
	check_equal "the mode is that of the file" 600 "$(stat -c %a m/d8/file-1-2)"
	check_equal "the caches of changed layers are gone" "" "$(caches)"
	union_umount "$BASE/m"
}
