# SPDX-License-Identifier: Apache-2.0
# title: statx shows no file flags, which lsattr shows
# labels: quick
# needs: chattr
# expect-diff: observations:.attributes.(immutable|append|nodump) FUSE's answers carry none
# may-diff: observations:.attributes$ likewise

layers() {
	put l1/still 1
	put l1/log 1
	put l1/plain 1
	mkdir l1/dir
}

scenario() {
	local f

	chattr +i still
	chattr +a log
	chattr +d dir
	for f in still log plain dir .; do
		try sc flags $f
		sc attributes $f
	done
	chattr -i still
	chattr -a log
}
