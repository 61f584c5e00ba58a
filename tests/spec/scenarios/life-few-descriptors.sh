# SPDX-License-Identifier: Apache-2.0
# title: a daemon that has hardly any descriptors lets go of its caller's output too
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/x content
}

scenario() {
	local b=$BASE limit status

	# Too few to serve by, or even to mount: what counts is that the caller gets to the end of what it reads.
	for limit in 12 13 14 15 16 17 18 19 20 24 64; do
		status=0
		timeout -k 1 10 bash -c 'set -o pipefail; (ulimit -n $2; exec "$PLYFS" -o "lowerdir=$1/l1,upperdir=$1/upper,workdir=$1/work" "$1/merged") 2>&1 </dev/null | cat' \
			- "$b" "$limit" >said || status=$?
		[ $status = 0 ] || check_equal "$limit descriptors: refused in one line" "1 1" "$status $(wc -l <said)"
		! is_mounted "$b/merged" || mount_minor "$b/merged" >>"$MINORS"
		[ $status != 0 ] || check_equal "$limit descriptors: live" "yes" "$(is_mounted "$b/merged" && echo yes)"
		! is_mounted "$b/merged" || check "$limit descriptors: unmounted" umount "$b/merged"
		rm -f said
	done
	check_equal "sixty-four are enough" 0 $status
}
