# SPDX-License-Identifier: Apache-2.0
# title: large reads give the file's bytes, at its end, beside holes, over what was just written, and while it shrinks
# labels: quick
# needs: python3

layers() {
	python3 - <<'END'
import hashlib
with open("l1/low", "wb") as f:
    f.write(b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(100000)) + b"odd")
with open("l1/sparse", "wb") as f:
    f.truncate(2 << 20)
    f.seek(700001)
    f.write(b"in the middle" * 5000)
END
}

scenario() {
	python3 - <<'END'
import hashlib, mmap, os, threading

def show(what, data):
    print(what, len(data), hashlib.sha256(data).hexdigest()[:16])

for name in ("low", "sparse"):
    fd = os.open(name, os.O_RDONLY)
    show(f"{name}: whole", os.pread(fd, 8 << 20, 0))
    for off in (0, 4095, 65536, 700000, 3000000, 3200002, 3200003, 4000000):
        show(f"{name}: from {off}", os.pread(fd, 300001, off))
    os.close(fd)
    buf = mmap.mmap(-1, 1 << 20)
    fd = os.open(name, os.O_RDONLY | os.O_DIRECT)
    for size in (4096, 65536, 262144, 1 << 20):
        for off in (0, 65536, 1 << 20, 3 << 20):
            n = os.preadv(fd, [memoryview(buf)[:size]], off)
            show(f"{name}: direct, {size} from {off}", buf[:n])
    os.close(fd)

# The copy is read as it was written, also through a descriptor from before.
before = os.open("low", os.O_RDONLY)
fd = os.open("low", os.O_RDWR)
os.pwrite(fd, b"w" * 200000, 1000001)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
show("low: written", os.pread(fd, 8 << 20, 0))

# What is cut off meanwhile is missing or zeros; whatever else is read is right.
os.ftruncate(fd, 0)
whole = b"".join(b"%07d\n" % i for i in range(1 << 18))
os.pwrite(fd, whole, 0)
stop = False
def cut():
    while not stop:
        os.ftruncate(fd, 1234567)
        os.pwrite(fd, whole[1234567:], 1234567)
thread = threading.Thread(target=cut)
thread.start()
wrong = 0
for i in range(60):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    got = os.pread(fd, len(whole), 0)
    wrong += got[:1234567] != whole[:1234567]
stop = True
thread.join()
print("wrong", wrong)
os.close(before)
END
}
