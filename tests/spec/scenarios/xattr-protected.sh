# SPDX-License-Identifier: Apache-2.0
# title: of a protected file no attribute can be set or removed, whether it is there or not, and nothing is copied up for it
# labels: quick

layers() {
	local f

	for f in l1/low upper/up; do
		put $f-still "still"
		put $f-log "log"
		put $f-plain "plain"
		mkdir $f-dir
		setfattr -n user.there -v x $f-still $f-log $f-plain $f-dir
		"$SC" flags $f-still +i
		"$SC" flags $f-log +a
		"$SC" flags $f-dir +i
	done
}

scenario() {
	local f name

	for f in low up; do
		for name in user.none user.there trusted.none; do
			try sc xattr remove $f-still $name
			try sc xattr remove $f-log $name
			try sc xattr remove $f-dir $name
			try sc xattr remove $f-plain $name
		done
		try sc xattr set $f-still user.new x
		try sc xattr set $f-log user.new x
		upper_has $f-still
	done
}
