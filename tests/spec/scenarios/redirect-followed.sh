# SPDX-License-Identifier: Apache-2.0
# title: a redirect that a layer carries is followed, and one that leads out of the layer isn't
# labels: quick
# may-diff: evil the errno differs

layers() {
	put l2/orig/x "redirected"
	put l2/top/sub/y "relative"
	mkdir -p l1/moved l1/top/renamed l1/evil
	whiteout l1/orig
	whiteout l1/top/sub
	setfattr -n trusted.overlay.redirect -v /orig l1/moved
	setfattr -n trusted.overlay.redirect -v sub l1/top/renamed
	setfattr -n trusted.overlay.redirect -v /../../etc l1/evil
}

scenario() {
	try cat moved/x top/renamed/y
	try ls -A moved top top/renamed
	try sh -c 'echo more >>moved/x; cat moved/x'
	try sc xattr list moved
	check "nothing of another place shows" sh -c '! cat evil/passwd'
}
