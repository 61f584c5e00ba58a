# SPDX-License-Identifier: Apache-2.0
# title: the topmost layer wins, a file hides what is below it, and directories merge
# labels: quick

layers() {
	put l1/both "from l1"
	put l2/both "from l2"
	put l2/low "from l2"
	put l3/low "from l3"
	put l1/file-over-dir "a file"
	put l2/file-over-dir/inside "hidden"
	put l3/dir-over-file "hidden file"
	put l2/dir-over-file/inside "shown"
	put l1/merged/a 1
	put l2/merged/b 2
	put l3/merged/c 3
	put upper/merged/d 4
	chmod 700 l1/merged
	chmod 755 l2/merged
	chown 5:6 l2/low
}

scenario() {
	try cat both low file-over-dir dir-over-file/inside
	try cat file-over-dir/inside
	try ls -A . merged dir-over-file
	stat_of '%n %A %u:%g %s' both low merged merged/?
}
