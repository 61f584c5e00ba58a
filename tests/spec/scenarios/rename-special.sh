# SPDX-License-Identifier: Apache-2.0
# title: rename moves symlinks, fifos, sockets and devices of a lower layer
# labels: quick

layers() {
	ln -s target l1/link
	mkfifo -m 640 l1/fifo
	mknod -m 660 l1/null c 1 3
	"$SC" mknod l1/sock sock 755 >/dev/null
	put l1/victim 1
	chown -h 5:5 l1/link
}

scenario() {
	try sc rename link link2
	try sc rename fifo fifo2
	try sc rename null null2
	try sc rename sock sock2
	stat_of '%n %F %a %u:%g %t:%T' ./*
	try sc rename fifo2 victim
	try sc rename link2 victim
	try readlink victim
	try ls -A
}
