# SPDX-License-Identifier: Apache-2.0
# title: rename refuses what POSIX refuses
# labels: quick
# options: redirect_dir=off

layers() {
	put l1/file 1
	put l1/full/x 1
	mkdir -p upper/updir upper/empty upper/parent/child l1/low
	put upper/upfull/x 1
}

scenario() {
	try sc rename file updir
	try sc rename updir file
	try sc rename updir full
	try sc rename updir upfull
	try sc rename parent parent/child/x
	try sc rename parent/child parent
	try sc rename missing x
	try sc rename file missing/x
	try sc rename file file/x
	try sc rename . x
	try sc rename file "$(printf '%0256d' 1)"
	try sc rename file file
	try sc rename updir empty
	try sc rename empty low
	try ls -A . low
}
