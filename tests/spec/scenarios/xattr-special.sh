# SPDX-License-Identifier: Apache-2.0
# title: trusted attributes work on symlinks, fifos and devices, where user attributes are refused
# labels: quick

layers() {
	ln -s target l1/link
	setfattr -h -n trusted.low -v 1 l1/link
	mkfifo l1/fifo
	setfattr -n trusted.low -v 2 l1/fifo
	mknod l1/null c 1 3
	ln -s target upper/uplink
}

scenario() {
	try sc xattr get link trusted.low
	try sc xattr set link trusted.new value
	try sc xattr list link
	try sc xattr remove link trusted.low
	try sc xattr list link
	try readlink link
	try sc xattr set link user.no 1
	try sc xattr set fifo trusted.new value
	try sc xattr list fifo
	try sc xattr set fifo user.no 1
	try sc xattr get fifo user.no
	try sc xattr set null trusted.n v
	try sc xattr get null trusted.n
	try sc xattr set uplink trusted.u v
	try sc xattr list uplink
}
