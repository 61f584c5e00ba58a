# SPDX-License-Identifier: Apache-2.0
# title: a removed directory that is still open keeps its mode and ACL
# labels: quick

layers() {
	put l1/merged/file 1
	put l1/merged/sub/file 2
	chmod 052 l1/merged
}

scenario() {
	try chmod 151 merged
	try rm -r merged/file merged/sub
	try sh -c 'exec 3<merged; rmdir merged; touch /proc/self/fd/3; stat -L -c %a /proc/self/fd/3'
	try ls -A
}
