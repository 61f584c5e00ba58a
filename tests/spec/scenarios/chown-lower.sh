# SPDX-License-Identifier: Apache-2.0
# title: chown of a lower file of any type changes the owner and keeps all else
# labels: quick

layers() {
	put l1/dir/file "content"
	chmod 640 l1/dir/file
	mkfifo l1/dir/fifo
	mknod -m 660 l1/dir/null c 1 3
	ln -s file l1/dir/link
	mkdir l1/dir/sub
}

scenario() {
	try chown 21:22 dir/file dir/fifo dir/null dir/sub
	try chown -h 23:24 dir/link
	try chgrp 25 dir
	stat_of '%n %F %a %u:%g %s' dir dir/*
	mtime_of dir/file
	mtime_of dir/link
	try cat dir/link
	try readlink dir/link
	as 21:22 chown 30 dir/file
	as 21:22:40 chgrp 40 dir/file
	stat_of '%n %u:%g' dir/file
	try sc chown dir/file 0xffffffff 50
	stat_of '%n %u:%g' dir/file
}
