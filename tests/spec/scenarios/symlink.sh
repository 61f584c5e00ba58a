# SPDX-License-Identifier: Apache-2.0
# title: symlinks are made, also over whiteouts and by others, and belong to who made them
# labels: quick

layers() {
	put l1/dir/was-file 1
	ln -s old l1/dir/was-link
	chmod 777 l1/dir
}

scenario() {
	try ln -s target dir/new
	try ln -s again dir/new
	try rm dir/was-file dir/was-link
	try ln -s one dir/was-file
	try ln -s two dir/was-link
	as 31:32 ln -s three dir/theirs
	as 31:32 ln -s three denied
	try ln -s "$(printf '%04095d' 1)" dir/long
	stat_of '%n %F %u:%g %s' dir/*
	try readlink dir/new dir/was-file dir/was-link dir/theirs
	try ln -s '' dir/empty
}
