# SPDX-License-Identifier: Apache-2.0
# title: RENAME_EXCHANGE swaps files, links and pure upper directories of any layer
# labels: quick
# options: redirect_dir=off

layers() {
	put l1/low1 "low1"
	put l1/low2 "low2"
	put upper/up1 "up1"
	ln -s target l1/link
	mkdir -p upper/updir upper/updir2 l1/lowdir
	put upper/updir/x "x"
	put l1/lowdir/y "y"
}

scenario() {
	try sc rename low1 low2 exchange
	try cat low1 low2
	try sc rename low1 up1 exchange
	try cat low1 up1
	try sc rename link low2 exchange
	try readlink low2
	try cat link
	try sc rename updir up1 exchange
	try ls -A up1
	try cat updir
	try sc rename updir2 up1 exchange
	try ls -A updir2 up1
	try sc rename lowdir low1 exchange
	try sc rename low1 lowdir exchange
	try sc rename low1 missing exchange
	try sc rename missing low1 exchange
	try sc rename updir2 low1 exchange
	remount
	try ls -AR
	try cat link updir
}
