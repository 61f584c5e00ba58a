# SPDX-License-Identifier: Apache-2.0
# title: a mount with too few descriptors to work with is refused in one line that says how many it needs
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x content
}

scenario() {
	local b=$BASE limit status least

	# With whatever is too few the caller gets to the end of what it reads.
	for limit in 12 13 14 15 16 17 18 19 20 24 64 98; do
		status=0
		timeout -k 1 10 bash -c 'set -o pipefail; (ulimit -n $2; exec "$PLYFS" -o "lowerdir=$1/l1,upperdir=$1/upper,workdir=$1/work" "$1/merged") 2>&1 </dev/null | cat' \
			- "$b" "$limit" >said || status=$?
		check_equal "$limit descriptors: refused in one line" "1 1" "$status $(wc -l <said)"
		[ "$limit" -lt 24 ] || check "$limit descriptors: the line says how many are needed" \
			grep -q "^plyfs: RLIMIT_NOFILE: $limit: too few descriptors for these layers, [0-9]* are needed" said
		least=$(sed -n 's/.* \([0-9]*\) are needed.*/\1/p' said)
		check_equal "$limit descriptors: nothing is mounted" "" "$(is_mounted "$b/merged" && echo yes)"
		rm -f said
	done
	check "as many as it says are enough" bash -c 'ulimit -n $2; exec "$PLYFS" -o "lowerdir=$1/l1,upperdir=$1/upper,workdir=$1/work" "$1/merged"' \
		- "$b" "$least"
	mount_minor "$b/merged" >>"$MINORS"
	check "a lower file is changed with that" bash -c 'echo more >>"$1/merged/x"; mv "$1/merged/x" "$1/merged/y"; mkdir "$1/merged/d"' - "$b"
	check_equal "and reads right" "content
more" "$(cat "$b/merged/y")"
	check "unmounted" umount "$b/merged"
}
