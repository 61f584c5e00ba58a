# SPDX-License-Identifier: Apache-2.0
# title: a lock taken before the copy-up holds after it
# labels: quick
# needs: flock

layers() {
	put l1/file 1
}

scenario() {
	try sc fd open:file:r flock sh:'flock -n file true || echo held; echo more >>file; flock -n file true || echo still held' flock
	try flock -n file true
	try sh -c 'flock file sh -c "echo one >>file" & flock file sh -c "echo one >>file"; wait; cat file'
}
