# SPDX-License-Identifier: Apache-2.0
# title: link targets of any length and content come back as they are
# labels: quick

layers() {
	mkdir l2
	ln -s target l1/short
	ln -s "/absolute/../odd name
with a newline" l1/odd
	ln -s "$(printf '%04000d' 7)" l1/long
	ln -s nowhere l2/hidden
	ln -s somewhere l1/hidden
	mkdir l1/real
	put l1/real/file "through a link"
	ln -s real l1/dirlink
}

scenario() {
	try readlink short
	try readlink odd
	try readlink hidden
	check_equal "the long target" 4000 "$(readlink long | tr -d '\n' | wc -c)"
	try cat dirlink/file
	try sh -c 'echo written >dirlink/new; cat real/new'
	try readlink real
	stat_of '%n %s %F' short long hidden
}
