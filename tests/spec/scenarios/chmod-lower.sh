# SPDX-License-Identifier: Apache-2.0
# title: chmod of a lower file of any type changes the mode and keeps all else
# labels: quick

layers() {
	put l1/dir/file "content"
	chown 5:6 l1/dir/file
	mkfifo l1/dir/fifo
	mknod -m 660 l1/dir/null c 1 3
	"$SC" mknod l1/dir/sock sock 755 >/dev/null
	mkdir l1/dir/sub
	put l1/dir/sub/inside 1
	chmod 711 l1/dir
	chown 7:8 l1/dir
}

scenario() {
	try chmod 4700 dir/file
	try chmod 600 dir/fifo dir/null dir/sock
	try chmod 2750 dir/sub
	stat_of '%n %F %a %u:%g' dir dir/*
	mtime_of dir/file
	mtime_of dir
	mtime_of dir/sub
	try cat dir/file dir/sub/inside
	try sh -c 'echo x >dir/null'
	upper_has dir/sub/inside
	as 5:6 chmod 640 dir/file
	as 9:9 chmod 640 dir/fifo
	stat_of '%n %a' dir/file dir/fifo
}
