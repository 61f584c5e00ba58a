# SPDX-License-Identifier: Apache-2.0
# title: private xattrs that a user sets are kept escaped, any number of times, listed plainly, and do nothing
# labels: quick

layers() {
	put l1/low 1
	setfattr -n trusted.overlay.overlay.origin -v escaped l1/low
	setfattr -n trusted.overlay.overlay.overlay.foo -v twice l1/low
	setfattr -n trusted.overlay.private -v hidden l1/low
	setfattr -n trusted.overlayish -v plain l1/low
	mkdir -p l1/dir l2/dir
	put l2/dir/below 1
	put l2/op/x 1
	mkdir -p l1/op
	setfattr -n trusted.overlay.overlay.opaque -v y l1/op
	ln -s nowhere l1/link
	mkfifo l1/fifo
}

scenario() {
	local long n

	sc xattr list low
	sc xattr get low trusted.overlay.origin
	sc xattr get low trusted.overlay.overlay.foo
	sc xattr get low trusted.overlay.overlay.overlay.foo
	sc xattr get low trusted.overlay.private
	sc xattr get low trusted.overlay.
	sc xattr get low trusted.overlay
	sc xattr get low trusted.overlayish
	sc xattr set low trusted.overlay.overlay.foo changed replace
	sc xattr set low trusted.overlay.new 1 replace
	sc xattr set low trusted.overlay.origin again create
	sc xattr set low trusted.overlay.private mine create
	sc xattr list low
	sc xattr remove low trusted.overlay.origin
	sc xattr remove low trusted.overlay.origin
	sc xattr remove low trusted.overlay.nothing
	sc xattr set low trusted.overlay x
	sc xattr set low trusted.overlay. x
	sc xattr get low trusted.overlay.
	sc xattr list low
	sc xattr set dir trusted.overlay.opaque y
	sc xattr set dir trusted.overlay.redirect /elsewhere
	sc xattr set dir trusted.overlay.metacopy ""
	try ls dir op
	for n in link fifo; do
		sc xattr set $n trusted.overlay.opaque y
		sc xattr get $n trusted.overlay.opaque
		sc xattr list $n
	done
	for n in 230 231 232 239 240 241; do
		long=trusted.overlay.$(printf "%0${n}d" 0 | cut -c 1-$((n - 16)))
		echo "name of ${#long}"
		sc xattr set low "$long" v
		sc xattr get low "$long"
		sc xattr remove low "$long"
		sc xattr get low "$long"
	done
	remount
	try ls dir op
	sc xattr list dir
	sc xattr list op
	mkdir nest nest/l nest/u nest/w
}
