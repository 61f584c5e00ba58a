# SPDX-License-Identifier: Apache-2.0
# title: an opaque directory in any layer ends the merge there
# labels: quick

layers() {
	put l1/a/one 1
	opaque l2/a
	put l2/a/two 2
	put l3/a/three "hidden"
	opaque l1/b
	put l2/b/hidden "hidden"
	put l2/c/d/hidden "hidden"
	opaque upper/c
	put upper/c/d/shown "shown"
}

scenario() {
	try ls -A a b c c/d
	try cat a/three b/hidden c/d/hidden
	try cat a/one a/two c/d/shown
	try sc xattr list a
	try sc xattr get c trusted.overlay.opaque
	try rmdir b
	try rm -r a c
	try ls -A
}
