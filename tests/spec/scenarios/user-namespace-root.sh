# SPDX-License-Identifier: Apache-2.0
# title: root of a user namespace makes and removes names in directories of lower layers that are his outside
# labels: quick
# needs: unshare

layers() {
	mkdir -p l1/dir l1/theirs l2/dir/below
	put l2/dir/below/file content
	chown 12345:12345 l1/theirs
}

scenario() {
	try unshare -m -p -f -U -r sh -c 'touch dir/1 dir/2 dir/3; ls dir; stat -c "%n %u:%g" dir/1 theirs'
	try unshare -m -p -f -U -r touch theirs/1
	try unshare -m -p -f -U -r chown 1:1 dir/1
	try unshare -m -p -f -U -r rm -fR dir
	show
	upper_has dir
	upper_has theirs
}
