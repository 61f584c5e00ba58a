# SPDX-License-Identifier: Apache-2.0
# title: reading through the union leaves the access times of a lower layer alone
# base-options: strictatime

layers() {
	put l1/file "content"
	put l1/dir/x 1
	ln -s file l1/link
}

scenario() {
	local before

	before=$(cd "$BASE/l1" && stat -c '%n %.9X' . file dir dir/x link)
	try cat file link dir/x
	try ls -A dir
	try readlink link
	check_equal "access times of the layer" "$before" "$(cd "$BASE/l1" && stat -c '%n %.9X' . file dir dir/x link)"
}
