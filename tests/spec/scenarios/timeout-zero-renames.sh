# SPDX-License-Identifier: Apache-2.0
# title: with timeout=0 a file that takes another's name stays the one that is open, while others look the name up
# labels: quick
# needs: python3
# options: timeout=0

layers() {
	put upper/f "upper"
}

scenario() {
	python3 - <<'P'
import collections, errno, os, signal

def looks():
    while True:
        os.stat("f")

kids = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        looks()
    kids.append(pid)
said = collections.Counter()
for i in range(200):
    fd = os.open("g", os.O_RDWR | os.O_CREAT)
    os.rename("g", "f")
    for _ in range(3):
        try:
            os.pwrite(fd, b"%d\n" % i, 0)
            os.fsync(fd)
            st = os.fstat(fd)
            said["one link" if st.st_nlink == 1 else "links?"] += 1
            said["same file" if st.st_ino == os.stat("f").st_ino else "another file"] += 1
        except OSError as e:
            said[errno.errorcode[e.errno]] += 1
    os.close(fd)
for pid in kids:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(sorted(said.items()))
P
	cat f
}
