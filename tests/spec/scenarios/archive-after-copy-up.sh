# SPDX-License-Identifier: Apache-2.0
# title: directories that were known show the change time that a copy-up below them leaves, so tar(1) finds nothing changed while it reads
# labels: quick

layers() {
	put l1/a/b/c/f 1
	put l1/a/b/c/g 1
	put l2/k/f 2
	mkdir -p l1/a/b/c/sub
}

# dirs: which change times are of after the mark, and which data times.
dirs() {
	local p

	for p in . a a/b a/b/c a/b/c/sub k; do
		[ "$(stat -c %.9Z $p | tr -d .)" -lt "$mark" ] && printf 'old ' || printf 'new '
		[ "$(stat -c %.9Y $p | tr -d .)" -lt "$mark" ] && echo "old $p" || echo "new $p"
	done
}

# known OF-WHAT COMMAND: all is known, then the command runs, and a program compares what it sees with what it saw.
known() {
	local mark
	echo "$1"
	shift
	find . -printf '' -ls >/dev/null
	sleep 0.02
	mark=$(date +%s%N)
	sleep 0.02
	eval "$@"
	dirs
	tar -c -f - . | wc -c >/dev/null
	echo "tar: ${PIPESTATUS[0]}"
}

scenario() {
	known "data" 'echo more >>a/b/c/f'
	known "mode, where the directory was copied" 'chmod 600 a/b/c/g'
	known "a directory" 'chmod 700 a/b/c/sub'
	known "a new tree" 'echo more >>k/f'
	known "again, nothing to copy" 'echo more >>k/f'
}
