# SPDX-License-Identifier: Apache-2.0
# title: a change of names that can't be synced is told, and stat, ls and the upper agree about it then
# labels: quick
# plyfs-only: the kernel shows the flag and syncs nothing
# needs: strace
# options: dirsync,redirect_dir=on

layers() {
	local name

	mkdir -p l1/d/low-dir upper/d/gone-dir upper/other
	for name in gone over moved exchanged linked over-me; do
		put upper/d/$name "$name"
	done
	for name in {1..64}; do
		put upper/d/many/$name x
	done
	ln upper/d/gone upper/d/gone-too
	ln upper/d/over upper/d/over-too
	put upper/other/partner partner
	put l1/d/low low
	put l1/d/low-moved moved
	whiteout upper/d/white
	put l1/d/white white
}

# A listing of both, which the kernel keeps, and what it knows of the names.
warm() {
	ls -l d other >"$BASE/warm"
	stat "$@" >>"$BASE/warm" 2>&1
}

# What is known of a name: by lookup, by listing, and in the upper.
shown() {
	local listed

	[ -e "$1" ] || [ -L "$1" ] && echo there || echo gone
	listed=$(ls -A "$(dirname "$1")")
	grep -q -x -F -e "$(basename "$1")" <<<"$listed" && echo there || echo gone
	[ -e "$BASE/upper/$1" ] && [ ! -c "$BASE/upper/$1" ] || [ -L "$BASE/upper/$1" ] && echo there || echo gone
}

is_shown() {
	[ "$(shown "$1" | sort -u)" = "$2" ]
}

# fails CLAIM COMMAND... -- NAME=there|gone...: it answers $error, and afterwards all agree that the names are so. The kernel hears of a name
# when whoever changed it has let go of the directory.
fails() {
	local what="$1 ($error)" said names=()

	shift
	while [ "$1" != -- ]; do
		names+=("$1")
		shift
	done
	shift
	warm "${@%=*}"
	said=$("${names[@]}" 2>&1)
	check "$what: the error" grep -q -E "$words" <<<"$said"
	for said in "$@"; do
		wait_until is_shown "${said%=*}" "${said#*=}"
		check_equal "$what: ${said%=*} is ${said#*=}" "${said#*=}" "$(shown "${said%=*}" | sort -u)"
	done
}

# Removed by as many at a time.
many() {
	local first

	for first in {0..48..16}; do
		for name in {1..16}; do
			rm d/many/$((first + name)) 2>/dev/null &
		done
	done
	wait
}

is_empty() {
	[ -z "$(ls -A "$1")" ]
}

scenario() {
	local name error=EIO words='Input/output error|EIO'

	chmod 600 d/low-moved
	trace_daemon "$(cat "$BASE/merged.pid")" -e trace=fsync,fdatasync -e inject=fsync,fdatasync:error=EIO
	fails mkdir mkdir d/new-dir -- d/new-dir=gone
	fails "mkdir over a whiteout" mkdir d/white -- d/white=gone
	fails create "$SC" fd open:d/new-file:creat,excl,w -- d/new-file=gone
	fails "create over a whiteout" "$SC" fd open:d/white:creat,w -- d/white=gone
	fails mkfifo mkfifo d/new-fifo -- d/new-fifo=gone
	fails symlink ln -s x d/new-link -- d/new-link=gone
	fails link ln d/linked d/new-hard -- d/linked=there d/new-hard=gone
	check_equal "link: the count" 1 "$(stat -c %h d/linked)"
	fails "link over a whiteout" ln d/linked d/white -- d/white=gone
	fails unlink rm d/gone -- d/gone=gone
	check_equal "unlink: the count" 1 "$(stat -c %h d/gone-too)"
	fails "unlink of a lower file" rm d/low -- d/low=gone
	fails rmdir rmdir d/gone-dir -- d/gone-dir=gone
	fails "rmdir of a lower directory" rmdir d/low-dir -- d/low-dir=gone
	fails rename "$SC" rename d/moved other/moved -- d/moved=gone other/moved=there
	fails "rename that leaves a whiteout" "$SC" rename d/low-moved d/low-moved-here -- d/low-moved=gone d/low-moved-here=there
	fails "rename over" "$SC" rename d/over-me d/over -- d/over-me=gone d/over=there
	check_equal "rename over: what is there" over-me "$(cat d/over)"
	check_equal "rename over: the count of what was" 1 "$(stat -c %h d/over-too)"
	fails exchange "$SC" rename d/exchanged other/partner exchange -- d/exchanged=there other/partner=there
	check_equal "exchange: what is there" "partner exchanged" "$(cat d/exchanged) $(cat other/partner)"
	# Those who wait for the directory hold up nobody who holds it.
	export -f many
	limit 30 bash -c many
	wait_until is_empty d/many
	check_equal "all are gone" "" "$(ls d/many "$BASE/upper/d/many" | grep -v :)"
	trace_end

	# What the sync needs is there before anything is changed.
	error=EMFILE words='Too many open files|EMFILE'
	trace_daemon "$(cat "$BASE/merged.pid")" -e trace=openat2 -e inject=openat2:error=EMFILE
	fails mkdir mkdir d/new-dir -- d/new-dir=gone
	fails mkfifo mkfifo d/new-fifo -- d/new-fifo=gone
	fails unlink rm d/linked -- d/linked=there
	fails rename "$SC" rename d/linked other/linked -- d/linked=there other/linked=gone
	trace_end
	rm "$BASE/trace" "$BASE/warm"

	# And it goes on.
	for name in new-dir white; do
		check "mkdir d/$name" mkdir d/$name
	done
	check "create" "$SC" fd open:d/new-file:creat,excl,w
	show d
	show other
}
