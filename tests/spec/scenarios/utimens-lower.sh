# SPDX-License-Identifier: Apache-2.0
# title: times are set to the nanosecond, to now, or left alone, on files, symlinks and directories
# labels: quick

layers() {
	put l1/file 1
	put l1/other 1
	ln -s file l1/link
	mkdir l1/dir
	mkfifo l1/fifo
	chown 5:5 l1/other
	chmod 666 l1/other
}

times() {
	stat -c '%n %.9X %.9Y' "$@"
}

scenario() {
	try sc utimens file 1100000000.123456789 1200000000.987654321
	try sc utimens link 1300000000.000000001 1400000000.000000002 nofollow
	try sc utimens dir 1 2
	try sc utimens fifo -1 -2
	times file link dir fifo
	try sc utimens file omit 1250000000.500000000
	times file
	try sc utimens file 1150000000.500000000 omit
	times file
	try sc utimens file omit omit
	times file
	try sc utimens other omit now
	mtime_of other
	as 6:6 "$SC" utimens other 1 2
	as 6:6 "$SC" utimens other now now
	as 5:5 "$SC" utimens other 77 88
	times other
	remount
	times file link dir fifo other
}
