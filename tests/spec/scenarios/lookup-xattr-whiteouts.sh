# SPDX-License-Identifier: Apache-2.0
# title: a zero-size file with the whiteout attribute hides a name where the directory says that it holds such
# labels: quick

layers() {
	put l1/marked/hidden ""
	truncate -s 0 l1/marked/hidden
	setfattr -n trusted.overlay.whiteout -v y l1/marked/hidden
	setfattr -n trusted.overlay.opaque -v x l1/marked
	put l1/marked/plain "plain"
	put l2/marked/hidden "must not show"
	put l2/marked/below "shows"
}

scenario() {
	try ls -A marked
	try cat marked/hidden
	try cat marked/plain marked/below
	try sh -c 'echo new >marked/hidden; cat marked/hidden'
	try ls -A marked
}
