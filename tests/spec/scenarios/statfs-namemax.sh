# SPDX-License-Identifier: Apache-2.0
# title: statfs shows the upper's numbers and a name length of 255
# labels: quick

layers() {
	put l1/file 1
}

scenario() {
	try sc statfs .
	try sc statfs file
	check_equal "the upper's numbers" "$("$SC" statfs "$BASE/upper")" "$("$SC" statfs .)"
}
