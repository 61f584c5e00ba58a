# SPDX-License-Identifier: Apache-2.0
# title: fifos carry data, devices work and sockets bind in every layer
# labels: quick

layers() {
	mkfifo l1/fifo
	mknod -m 666 l1/null c 1 3
	mknod -m 666 l1/zero c 1 5
	"$SC" mknod l1/sock sock 755 >/dev/null
}

scenario() {
	try sh -c 'cat fifo & echo through >fifo; wait'
	try sh -c 'echo gone >null; head -c 4 zero | od -An -tx1'
	try chmod 600 fifo null
	try sh -c 'cat fifo & echo again >fifo; wait'
	try sh -c 'head -c 4 null | wc -c'
	try sc bind sock
	try sc bind fresh
	try sc bind fresh
	try sh -c 'rm sock fresh; ls -A'
	try sc bind sock
	stat_of '%n %F' ./*
}
