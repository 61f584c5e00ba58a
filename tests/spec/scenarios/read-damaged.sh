# SPDX-License-Identifier: Apache-2.0
# title: what can't be read in the middle of a file is an error and not the file's end
# labels: quick
# needs: mksquashfs python3
# not-mounted: yes

# Two images of one file each, a block of whose data is damaged: one is read by large requests, one by small ones.
layers() {
	python3 - <<'END'
import os, random, subprocess, zlib

random.seed(1)
for name, block in ("large", 131072), ("small", 4096):
    os.makedirs(f"files/{name}")
    os.makedirs(f"images/{name}")
    blocks = [b"%08d" % i + bytes(random.choices(b"abcdef", k=block - 8)) for i in range(4)]
    with open(f"files/{name}/{name}", "wb") as f:
        f.write(b"".join(blocks))
    subprocess.run(["mksquashfs", f"files/{name}", f"{name}.image", "-comp", "gzip", "-b", str(block), "-noappend",
                    "-no-progress", "-no-fragments", "-no-xattrs"], stdout=subprocess.DEVNULL, check=True)
    # Behind the superblock come the blocks; the third is damaged.
    at = 96 + sum(len(zlib.compress(b, 9)) for b in blocks[:2]) + 200
    with open(f"{name}.image", "r+b") as image:
        image.seek(at)
        was = image.read(64)
        image.seek(at)
        image.write(bytes(b ^ 0x5a for b in was))
END
	rm -r files
}

scenario() {
	mount -t squashfs -o loop,ro large.image images/large || unsupported "no squashfs can be mounted"
	mount -t squashfs -o loop,ro small.image images/small
	union "$BASE/merged" "lowerdir=$BASE/images/large:$BASE/images/small,upperdir=$BASE/upper,workdir=$BASE/work"
	python3 - <<'END'
import errno, hashlib, os

for name in "large", "small":
    size = os.path.getsize(f"merged/{name}")
    for at in 0, size // 2 - 4096, size * 3 // 4:
        fd = os.open(f"merged/{name}", os.O_RDONLY)
        got, end = b"", "the end"
        os.lseek(fd, at, os.SEEK_SET)
        try:
            while part := os.read(fd, 65536):
                got += part
        except OSError as e:
            end = errno.errorcode[e.errno]
        os.close(fd)
        print(f"{name} of {size} from {at}: {len(got)} bytes {hashlib.sha256(got).hexdigest()[:8]}, then {end}")
END
	try cp merged/large copy
	union_umount "$BASE/merged"
	umount images/large images/small
}
