# SPDX-License-Identifier: Apache-2.0
# title: a running program of a lower layer can't be written or truncated, a file open for writing can't be run
# labels: quick
# expect-diff: upper:.open\| the copy-up comes with the first change, not with the open

layers() {
	cp /bin/sleep l1/low
	cp /bin/sleep l1/open
	cp /bin/sleep upper/up
}

scenario() {
	local pid

	./low 30 &
	pid=$!
	wait_until runs $pid "$PWD/low"
	try sc fd open:low:w open:low:rw open:low:r,trunc
	try truncate -s 1 low
	# what isn't its data may change
	try chmod 700 low
	try mv low moved
	try sc fd open:moved:w
	try rm moved
	kill $pid
	wait $pid 2>/dev/null
	exec 3>>open
	try ./open 0
	exec 3>&-
	try ./open 0
	exec 3>>up
	try ./up 0
	exec 3>&-
	try ./up 0
}
