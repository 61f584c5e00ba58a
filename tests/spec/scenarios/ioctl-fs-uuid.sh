# SPDX-License-Identifier: Apache-2.0
# title: FS_IOC_GETFSUUID isn't answered, and statfs tells the file system
# labels: quick
# expect-diff: observations:.uuid the FUSE side of the kernel has no uuid to tell

layers() {
	put l1/x 1
}

scenario() {
	# 0x80111500: FS_IOC_GETFSUUID, a length and 16 bytes
	python3 -c '
import fcntl, os
try:
    fcntl.ioctl(os.open(".", os.O_RDONLY), 0x80111500, bytes(17))
    print("uuid told")
except OSError as e:
    print("uuid", e.errno)'
	try stat -f -c %S .
}
