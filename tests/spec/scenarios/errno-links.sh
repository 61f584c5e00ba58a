# SPDX-License-Identifier: Apache-2.0
# title: the file system's limit of links to a file is met with EMLINK, and links across mounts with EXDEV
# fs: ext4
# needs: python3

layers() {
	put l1/file "content"
	mkdir -p l1/dir l2/dir
}

scenario() {
	# 65,000 on ext4
	try python3 -c '
import os
n = 0
try:
    while True:
        os.link("up" if n else "file", "dir/%d" % n) if n else os.link("file", "up")
        n += 1
except OSError as e:
    import errno
    print(errno.errorcode[e.errno], os.stat("up").st_nlink)
'
	mkdir "$BASE/merged/at"
	mount -t tmpfs at at
	try sc rename file at/file
	try ln file at/file
	umount at
	rm -rf dir at
	try stat -c '%n %h' file up
	try sc fd open:file:r open:new:rw,creat use:0
}
