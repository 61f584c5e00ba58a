# SPDX-License-Identifier: Apache-2.0
# title: RENAME_NOREPLACE refuses an existing name of any layer and takes a whited-out one
# labels: quick

layers() {
	put l1/a "a"
	put l1/lower "low"
	put upper/upper "up"
	put l1/gone "gone"
	mkdir l1/dir
}

scenario() {
	try sc rename a lower noreplace
	try sc rename a upper noreplace
	try sc rename a dir noreplace
	try sc rename a a noreplace
	try cat lower upper a
	try rm gone
	try sc rename a gone noreplace
	try cat gone
	try sc rename upper fresh noreplace
	try ls -A
}
