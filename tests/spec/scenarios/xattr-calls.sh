# SPDX-License-Identifier: Apache-2.0
# title: the calls for attributes tell sizes, ranges, kinds and flags as the layers' file system does
# labels: quick
# needs: python3

layers() {
	put l1/low 1
	setfattr -n user.a -v aaaa l1/low
	setfattr -n user.b -v "" l1/low
	put upper/up 1
	setfattr -n user.a -v aaaa upper/up
	mkdir -p l1/d l2/d
	setfattr -n user.top -v 1 l1/d
	setfattr -n user.below -v 1 l2/d
	ln -s low l1/link
	mknod l1/dev c 1 3
}

scenario() {
	cat >"$BASE/calls.py" <<'P'
import os, ctypes, errno
c = ctypes.CDLL(None, use_errno=True)
def call(f, *a):
    r = getattr(c, f)(*a)
    print(f, [x for x in a if not isinstance(x, ctypes.Array)], r if r >= 0 else errno.errorcode[ctypes.get_errno()])
for p in b"low", b"up", b"d", b"link", b"dev":
    for size in 0, 1, 3, 4, 5, 6, 7, 13, 14, 100, 65536, 65537, 1 << 20:
        buf = ctypes.create_string_buffer(max(size, 1))
        call("lgetxattr", p, b"user.a", buf, size)
        call("lgetxattr", p, b"user.b", buf, size)
        call("llistxattr", p, buf, size)
    for name in b"user.", b"user", b"", b"nothing.x", b"system.x", b"trusted.", b"security.x", b"user." + b"n" * 250, b"user." + b"n" * 251:
        for value in b"", b"v":
            call("lsetxattr", p, name, value, len(value), 0)
            call("lgetxattr", p, name, None, 0)
        call("lremovexattr", p, name)
    for size in 1000, 4000, 5000, 65535, 65536, 65537, 100000:
        call("lsetxattr", p, b"trusted.big", b"x" * size, size, 0) if size < 4000 else None
        call("lgetxattr", p, b"trusted.big", None, 0)
    for flags in 0, 1, 2, 3, 4, -1:
        call("lsetxattr", p, b"user.a", b"new", 3, flags)
        call("lsetxattr", p, b"trusted.c", b"new", 3, flags)
        call("lremovexattr", p, b"trusted.c")
    call("lremovexattr", p, b"user.a")
    call("lremovexattr", p, b"user.a")
P
	python3 "$BASE/calls.py" | sed 's/n\{200,\}/n.../; s/x\{50,\}/x.../'
}
