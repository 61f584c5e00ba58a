# SPDX-License-Identifier: Apache-2.0
# title: a symlink in a layer is never followed by the union itself: it merges with nothing
# labels: quick

layers() {
	mkdir -p outside l1/etc l1/up l1/abs
	put outside/secret "outside"
	ln -s /etc l2-etc
	mkdir -p l2 l3
	ln -s /etc l2/etc
	ln -s .. l2/up
	ln -s "$BASE/outside" l2/abs
	put l3/etc/below "hidden by the symlink"
	put l1/abs/mine "mine"
	ln -s / l2/root
	ln -s ../../../.. l2/out
}

scenario() {
	try ls -A etc up abs
	try cat abs/secret etc/below
	try sh -c 'echo new >etc/new; echo new >abs/new; ls -A abs etc'
	check_equal "outside is untouched" "secret" "$(ls -A "$BASE/outside")"
	try readlink root out
	try sh -c 'rm root out; ls -A'
	check "the host's root is there" test -d /etc
}
