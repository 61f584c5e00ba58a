# SPDX-License-Identifier: Apache-2.0
# title: what is mounted below a layer doesn't show, whether before or after the union
# labels: quick

layers() {
	put l1/sub/own "own"
	put l1/late/own "own"
	put elsewhere/secret "secret"
	mount --bind elsewhere l1/sub
}

scenario() {
	mount --bind "$BASE/elsewhere" "$BASE/l1/late"
	try ls -A sub late
	try cat sub/own late/own sub/secret
	try sh -c 'echo new >sub/new; rm late/own; ls -A sub late'
	check_equal "elsewhere is untouched" "secret" "$(ls -A "$BASE/elsewhere")"
	umount "$BASE/l1/late"
}
