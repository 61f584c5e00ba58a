# SPDX-License-Identifier: Apache-2.0
# title: redirects of every layer count for the layers below it, also on the way of another one
# labels: quick

set_redirect() {
	mkdir -p "$1"
	setfattr -n trusted.overlay.redirect -v "$2" "$1"
}
layers() {
	# twice renamed: by the upper and by the middle layer
	put l2/first/x "twice"
	set_redirect l1/second first
	whiteout l1/first
	set_redirect upper/third second
	whiteout upper/second
	# a path through a directory that the layer below has renamed
	put l2/old/sub/y "through"
	set_redirect l1/new /old
	whiteout l1/old
	set_redirect upper/moved /new/sub
	mkdir -p upper/new
	whiteout upper/new/sub
	# a path that ends at an opaque directory, a file, a whiteout
	put l2/o/d/no "hidden"
	mkdir -p l1/o
	opaque l1/o
	put l1/o/d/yes "shown"
	set_redirect upper/opaque /o/d
	mkdir -p upper/o upper/q
	whiteout upper/o/d
	put l2/w/d/no "hidden"
	whiteout l1/w
	set_redirect upper/whiteout /w/d
	put l2/f/d/no "hidden"
	put l1/f "file"
	set_redirect upper/file /f/d
	# leads nowhere, to a link, to nothing but a file
	set_redirect upper/nowhere /not/there
	ln -s / l2/link
	set_redirect upper/link /link
	set_redirect upper/through /link/etc
	put l2/plain "plain"
	set_redirect upper/plain_dir plain
	# past an opaque directory by an absolute path
	mkdir -p l1/q
	opaque l1/q
	set_redirect l1/q/r /s
	put l2/s/z "past"
	set_redirect upper/past /q/r
	whiteout upper/q/r
	whiteout l1/s
	# into a parent that only the upper has
	put l2/deep/down/v "v"
	set_redirect upper/own/d /deep/down
	mkdir -p upper/deep
	whiteout upper/deep/down
}

scenario() {
	try ls -A .
	for d in third moved opaque whiteout file nowhere link through plain_dir past own own/d new; do
		try ls -AR $d
	done
	try cat third/x moved/y opaque/yes past/z own/d/v
	check_equal "st_ino and d_ino agree" "" "$(ls -1aiU . own | awk '$1 ~ /^[0-9]/ { print $1, $2 }' | while read -r ino name; do
		case $name in .|..) continue ;; d) name=own/d ;; esac
		[ "$(stat -c %i "$name")" = "$ino" ] || echo "$name"; done)"
	try sh -c 'echo more >third/y; mv moved/y own/d/; ls -A third own/d'
	remount
	try ls -AR .
}
