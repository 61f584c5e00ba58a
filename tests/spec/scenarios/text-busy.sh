# SPDX-License-Identifier: Apache-2.0
# title: a running program can't be written, and runs from every layer
# labels: quick

layers() {
	cp /bin/sleep upper/up
	cp /bin/sleep l1/low
}

scenario() {
	try ./low 0
	try ./up 0
	./up 5 &
	wait_until runs $! "$PWD/up"
	try sc fd open:up:w
	kill $!
	wait $! 2>/dev/null
	try sc fd open:up:w
	try sh -c 'cp low copy && ./copy 0 && mv copy low && ./low 0'
	try chmod 644 low
	try ./low 0
}
