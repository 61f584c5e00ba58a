# SPDX-License-Identifier: Apache-2.0
# title: an open file of the upper lives on after its name is gone, with all its calls
# labels: quick

layers() {
	put upper/file "content"
	mkdir upper/dir
}

scenario() {
	try sc fd open:file:rw sh:'rm file' fstat pread:0:20 pwrite:3:XXX pread:0:20 ftruncate:5 fstat fchmod:600 fstat \
		fchown:5:6 fstat futimens:1:2 fallocate:none:0:100 fstat fsync setxattr:user.a:1 getxattr:user.a
	try sc fd open:new:rw,creat write:abc sh:'rm new; echo other >new' fstat pread:0:10 fchmod:755 write:def pread:0:10
	try cat new
	stat_of '%n %a %s' new
	try sc fd open:new:rw sh:'mv other new 2>/dev/null; echo x >y; mv y new' fstat pread:0:10
	try sc fd open:dir:r sh:'rmdir dir' fstat fchmod:700
	try ls -A
}
