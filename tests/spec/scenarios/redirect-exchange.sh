# SPDX-License-Identifier: Apache-2.0
# title: renamed directories change places, replace empty ones and take the place of whiteouts
# labels: quick
# options: redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=off,xino=off

layers() {
	put l1/a/one 1
	put l2/b/two 2
	put l2/p/c/three 3
	put upper/up/four 4
	mkdir -p l1/empty l2/holds
	put l2/holds/gone "g"
	put l1/removed/old "o"
	put l1/f "file"
	whiteout l1/none
}

scenario() {
	try sc rename a b exchange
	try cat a/two b/one
	try sc rename a p/c exchange
	try cat a/three p/c/two
	try sc rename p/c f exchange
	try cat p/c f/two
	try sc rename up b exchange
	try cat up/one b/four
	try sc rename f empty
	try cat empty/two
	try sc rename up holds
	try rm holds/gone
	try sc rename up holds
	try cat holds/one
	try rm -r removed
	try sc rename holds removed
	try cat removed/one
	try sc rename removed none noreplace
	try sc rename none a noreplace
	try ls -AR .
	remount
	try ls -AR .
	upper_has removed
	upper_has holds
	upper_has none
}
