# SPDX-License-Identifier: Apache-2.0
# title: the space of a removed file comes back as soon as nobody has it open
# labels: quick

layers() {
	fill upper/closed 20M
	fill upper/held 20M
}

scenario() {
	local before

	try md5sum closed held
	before=$(stat -f -c %f "$BASE/upper")
	exec 3<held
	try rm closed held
	check "that of the closed one is back" wait_until has_freed "$before" 4000
	check "that of the open one isn't" eval '! has_freed "$before" 6000'
	exec 3<&-
	check "nor is it kept when that is closed" wait_until has_freed "$before" 9000
}
