# SPDX-License-Identifier: Apache-2.0
# title: a whiteout in any layer hides what is below and nothing above
# labels: quick

layers() {
	put l1/above "stays"
	whiteout l2/above
	whiteout l1/gone
	put l2/gone "hidden"
	whiteout l2/middle
	put l3/middle "hidden"
	put l1/again "back in l1"
	whiteout l2/again
	put l3/again "hidden"
	whiteout l1/dir
	put l2/dir/inside "hidden"
	whiteout l1/orphan
	mkdir -p l1/only
	whiteout l1/only/orphan
	whiteout upper/up
	put l1/up "hidden"
}

scenario() {
	# By lookups while nothing has been listed yet, then by listing.
	try cat above again
	try cat gone middle dir/inside up orphan only/orphan
	try ls -A .
	try cat gone middle dir/inside up orphan only/orphan
	try rmdir only
	try sh -c 'echo new >orphan; echo new >gone; cat orphan gone'
	try mkdir dir
	try ls -A dir
}
