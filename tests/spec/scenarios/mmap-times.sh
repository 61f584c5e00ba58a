# SPDX-License-Identifier: Apache-2.0
# title: a time that is set after a store through a mapping stays, and a store after it counts
# labels: quick
# expect-diff: the-page-is-known.mtime the kernel doesn't say when a page was stored to that it had before the time was set
# expect-diff: later.ctime what was stored before is written after, which changes the change time

T=1234567890.123456789

layers() {
	local i

	for i in $(seq 10); do
		fill l1/low$i 8k
		fill upper/up$i 8k
	done
	fill upper/the-page-is-known 8k
	fill upper/now 8k
	fill upper/later 8k
}

# of FILE STEP...: with the file mapped, and what its time is then.
of() {
	local file=$1
	shift

	"$SC" fd "open:$file:rw" mmap:rw:8192 "$@" | sed '1,2d; s/^\(ctime.*\)/later \1/'
	mtime_of $file
	head -c 4 $file && echo
}

scenario() {
	local kind

	for kind in up low; do
		of ${kind}1 store:0:NEW1 futimens:omit:$T munmap
		of ${kind}2 store:0:NEW2 futimens:omit:$T fsync munmap
		of ${kind}3 store:0:NEW3 futimens:omit:$T msync
		of ${kind}4 store:0:NEW4 sh:"$SC utimens ${kind}4 omit $T" munmap
		of ${kind}5 futimens:omit:$T store:0:NEW5 munmap
		of ${kind}6 store:0:NEW6 futimens:omit:$T pwrite:4096:WRITTEN munmap
		of ${kind}7 store:0:NEW7 futimens:omit:$T fsync store:0:NEW8 munmap
		of ${kind}8 store:0:NEW8 futimens:omit:$T ftruncate:4096
		of ${kind}9 store:0:NEW9 fchmod:600 futimens:omit:$T fchmod:644 munmap
		of ${kind}10 store:0:NEWA futimens:$T:omit munmap
	done
	cat the-page-is-known >/dev/null
	of the-page-is-known futimens:omit:$T store:0:NEW1 munmap
	touch the-page-is-known
	of now store:0:NEW1 futimens:omit:now munmap
	of later store:0:NEW1 futimens:omit:$T ctime munmap ctime fsync ctime
	remount
	for kind in up low; do mtime_of ${kind}1; done
}
