# SPDX-License-Identifier: Apache-2.0
# title: stat of every file type shows what the layer holds
# labels: quick

layers() {
	put l1/file "text"
	chown 11:12 l1/file
	chmod 4751 l1/file
	ln -s target l1/link
	chown -h 13:14 l1/link
	mkfifo -m 620 l1/fifo
	mknod -m 660 l1/chr c 1 3
	mknod -m 640 l1/blk b 7 200
	"$SC" mknod l1/sock sock 755 >/dev/null
	mkdir -m 1777 l1/dir
	truncate -s 3G l1/sparse
	ln l1/file l1/hard
}

scenario() {
	stat_of '%n %F %a %u:%g %s %t:%T' ./*
	stat_of '%n %h' file hard link fifo
	stat_of '%n %b %B' file sparse
	mtime_of file
	mtime_of dir
	mtime_of link
	stat -c '%n %.9X' fifo
	try sc statx dir | sed 's/btime.*//'
}
