# SPDX-License-Identifier: Apache-2.0
# title: a directory of the upper alone is renamed whole, also into a merged directory and over an empty one
# labels: quick
# options: redirect_dir=off

layers() {
	put upper/pure/sub/file "f"
	put l1/merged/a 1
	put upper/merged/b 1
	mkdir -p l1/lowempty upper/upempty
	put l1/gone/x "must not come back"
	put l1/emptied/x "must not come back"
}

scenario() {
	try sc rename pure merged/pure
	try cat merged/pure/sub/file
	try sc rename merged/pure lowempty
	try cat lowempty/sub/file
	try sc rename lowempty upempty
	try ls -AR upempty
	try ls -A
	try rm -r gone
	try sc rename upempty gone
	try ls -AR gone
	try rm emptied/x
	try mkdir fresh
	try touch fresh/new
	try sc rename fresh emptied
	try ls -A emptied
	remount
	try ls -A . gone gone/sub emptied merged
	try sc rename gone gone2
	try ls -A
	upper_has gone
}
