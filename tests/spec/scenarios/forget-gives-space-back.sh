# SPDX-License-Identifier: Apache-2.0
# title: the space of a removed file comes back as soon as nobody has it open
# labels: quick

layers() {
	fill upper/closed 20M
	fill upper/held 20M
}

# free BLOCKS: whether the upper's file system has that many more than before, a little later at most
free() {
	local tries=40

	while [ $(($(stat -f -c %f "$BASE/upper") - before)) -lt "$1" ]; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.05
	done
}

scenario() {
	local before

	try md5sum closed held
	before=$(stat -f -c %f "$BASE/upper")
	exec 3<held
	try rm closed held
	check "that of the closed one is back" free 4000
	check "that of the open one isn't" test $(($(stat -f -c %f "$BASE/upper") - before)) -lt 6000
	exec 3<&-
	check "nor is it kept when that is closed" free 9000
}
