# SPDX-License-Identifier: Apache-2.0
# title: rmdir refuses what isn't empty or no directory, and removes directories of each layer
# labels: quick

layers() {
	put l1/full/file 1
	mkdir -p l1/low l2/merged l1/merged upper/up upper/both l1/both
	put l2/lowfull/x 1
	mkdir -p l1/lowfull
	put l1/file 1
	put upper/upfull/x 1
}

scenario() {
	try rmdir full
	try rmdir lowfull
	try rmdir upfull
	try rmdir file
	try rmdir missing
	try rmdir .
	try rmdir low merged up both
	try ls -A
	upper_has low
	upper_has merged
	upper_has up
	upper_has both
	try rmdir low
}
