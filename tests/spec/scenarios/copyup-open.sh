# SPDX-License-Identifier: Apache-2.0
# title: with copyup=open a file is copied up when it is opened to write, and a full upper refuses the open
# options: copyup=open
# fs: tmpfs
# size: 1G

layers() {
	local i

	for i in read write both trunc append small; do
		put l1/$i "$i"
	done
	fill l1/big 300M
	fill filler 1600M 2
}

scenario() {
	try sc fd open:read:r read:10
	try sc fd open:write:w
	try sc fd open:both:rw
	try sc fd open:trunc:w,trunc
	try sc fd open:append:w,append
	for i in read write both trunc append; do
		upper_has $i
	done
	try sc fd open:big:w
	try sc fd open:big:r read:4
	upper_has big
	try sc fd open:small:w write:S
	cat small trunc
	rm "$BASE/filler"
	space_comes "$BASE" 400000
	try sc fd open:big:w
	upper_has big
}
