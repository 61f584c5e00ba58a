# SPDX-License-Identifier: Apache-2.0
# title: O_APPEND writes at the end, with several writers and over copy-up
# labels: quick

layers() {
	put l1/file "first"
}

scenario() {
	try sc fd open:file:w,append write:second open:file:w,append write:third use:0 write:fourth pwrite:0:fifth
	try cat file
	try sh -c 'for i in 1 2 3 4 5 6 7 8; do (for j in $(seq 50); do echo "$i:$j" >>log; done) & done; wait; sort -o log log; uniq log | wc -l; wc -c <log'
}
