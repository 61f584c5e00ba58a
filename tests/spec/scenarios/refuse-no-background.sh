# SPDX-License-Identifier: Apache-2.0
# title: a daemon that can't go to the background is refused in one line that says what has failed
# labels: quick
# plyfs-only: the daemon's life
# needs: strace
# not-mounted: yes

layers() {
	put l1/x content
}

# fails CLAIM PATTERN STRACE-OPTION...: under strace with these options the mount is refused so.
fails() {
	local claim=$1 pattern=$2

	shift 2
	plyfs_under_strace "$@"
	refuse "$claim" "$pattern" "lowerdir=$BASE/l1" "$BASE/merged"
}

scenario() {
	local REAL=$PLYFS

	PLYFS=$BASE/traced
	fails "no process" "going to the background: fork: Resource temporarily unavailable" \
		-e trace=fork,clone,clone3 -e inject=fork,clone,clone3:error=EAGAIN:when=1
	fails "no pipe" "going to the background: pipe: Too many open files" -e inject=pipe2:error=EMFILE:when=1
	PLYFS=$REAL
}
