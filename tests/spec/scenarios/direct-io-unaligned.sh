# SPDX-License-Identifier: Apache-2.0
# title: O_DIRECT at any offset and of any length reads and writes, whatever the layer's device demands
# labels: quick
# may-diff: observations:.unaligned the daemon does it through the page cache; the kernel hands the demands of the file system on

layers() {
	fill l1/low 20000
	fill upper/up 20000
}

direct() {
	python3 - "$1" <<'END'
import mmap, os, sys
buf = mmap.mmap(-1, 4096)
for flags, what in ((os.O_RDONLY, "read"), (os.O_WRONLY, "write")):
    try:
        fd = os.open(sys.argv[1], flags | os.O_DIRECT)
        part = memoryview(buf)[:100]
        n = os.preadv(fd, [part], 1) if what == "read" else os.pwritev(fd, [part], 1)
        print("unaligned", sys.argv[1], what, n)
    except OSError as e:
        print("unaligned", sys.argv[1], what, e.errno)
END
}

scenario() {
	direct low
	direct up
}
