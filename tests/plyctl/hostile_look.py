#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile_look.py DIR : OCI layouts that somebody made to do harm, DIR/bad/NAME, and odd ones that are right, DIR/good/NAME."""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import zlib

ZEROS = bytes(1 << 20)


def entry(name, kind=b"0", size=0, link=b"", mode=0o644):
    """A header of a tar: names are bytes."""
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108] = b"%07o\0" % mode
    block[108:116] = block[116:124] = b"%07o\0" % 0
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"%011o\0" % 1000000000
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[157:157 + len(link)] = link
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def file(name, content=b"x"):
    return entry(name, size=len(content)) + content + bytes(-len(content) % 512)


END = bytes(1024)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layout:
    def __init__(self, path):
        self.path = path
        os.makedirs(path + "/blobs/sha256")

    def blob(self, data, name=None):
        name = name or digest(data)
        with open(self.path + "/blobs/sha256/" + name[7:], "wb") as f:
            f.write(data)
        return name

    def image(self, layers, diff_ids=None, history=None, config=None, manifest=None):
        """layers: (blob's bytes, digest, media type's end) each."""
        diff_ids = diff_ids or [digest(gzip.decompress(data) if kind == "tar+gzip" else data) for data, _, kind in layers]
        config = config or json.dumps({
            "architecture": "amd64", "os": "linux", "created": "2024-01-01T00:00:00Z", "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": history or [{"created": "2024-01-01T00:00:00Z", "created_by": "x"} for _ in layers]}).encode()
        self.blob(config)
        manifest = manifest or json.dumps({
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1." + kind, "digest": self.blob(data, name), "size": len(data)}
                       for data, name, kind in layers]}).encode()
        self.index(digest(manifest), len(manifest))
        self.blob(manifest)

    def index(self, name, size):
        with open(self.path + "/oci-layout", "w") as f:
            f.write('{"imageLayoutVersion": "1.0.0"}')
        with open(self.path + "/index.json", "w") as f:
            json.dump({"schemaVersion": 2, "manifests": [
                {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": name, "size": size}]}, f)


def one(path, tar, kind="tar", name=None, **more):
    Layout(path).image([(tar, name, kind)], **more)


def bomb():
    """10 GB of zeros in 10 MB: members of gzip, one after the other."""
    member = gzip.compress(ZEROS * 64, 1, mtime=0)
    return gzip.compress(entry(b"zeros", size=160 * 64 << 20), mtime=0) + member * 160 + gzip.compress(END, mtime=0)


def many(count):
    packer = zlib.compressobj(1, wbits=31)
    whole = hashlib.sha256()
    out = io.BytesIO()
    head = bytearray(entry(b"d/0000000"))
    start = sum(head) - sum(head[2:9]) - sum(head[148:156]) + 8 * 32
    for i in range(0, count, 1000):
        part = bytearray()
        for k in range(i, i + 1000):
            name = b"%07d" % k
            head[2:9] = name
            head[148:156] = b"%06o\0 " % (start + sum(name))
            part += head
        whole.update(part)
        out.write(packer.compress(part))
    whole.update(END)
    out.write(packer.compress(END) + packer.flush())
    return out.getvalue(), "sha256:" + whole.hexdigest()


def main(top):
    bad, good = top + "/bad/", top + "/good/"
    plain = file(b"etc/passwd") + END
    one(bad + "truncated", plain[:700], name=digest(plain), diff_ids=[digest(plain)])
    one(bad + "truncated-tar", plain[:700])
    one(bad + "truncated-gzip", gzip.compress(plain)[:-12], "tar+gzip", diff_ids=[digest(plain)])
    one(bad + "other-bytes", file(b"etc/shadow") + END, name=digest(plain), diff_ids=[digest(plain)])
    one(bad + "other-diff-id", gzip.compress(plain), "tar+gzip", diff_ids=[digest(b"")])
    one(bad + "zeros", bomb(), "tar+gzip", diff_ids=[digest(b"")])
    one(bad + "noise", os.urandom(100000))
    for name, tar in {
            "dotdot": file(b"../escaped"), "dotdot-within": file(b"a/../../escaped"), "absolute": file(b"/escaped"),
            "dotdot-link": entry(b"a", b"1", link=b"../escaped"), "absolute-link": entry(b"a", b"1", link=b"/etc/passwd"),
            "whiteout-of-nothing": file(b"a/.wh."), "dotdot-whiteout": file(b".wh..."), "huge": entry(b"a", size=0o77777777777)}.items():
        one(bad + name, tar + END)
    Layout(bad + "deep-json").image([], manifest=b'{"schemaVersion":2,"x":' + b"[" * 100000 + b"]" * 100000 + b"}")
    Layout(bad + "long-json").image([], manifest=b'{"schemaVersion":2,"x":"' + b"a" * (5 << 20) + b'"}')
    Layout(bad + "no-json").image([], manifest=b"\x00\xff{")
    Layout(bad + "many-layers").image([], diff_ids=[digest(b"")] * 10000)
    Layout(bad + "digest-leads-out").index("sha256:../../../../../../etc/passwd", 100)
    Layout(bad + "no-blob").index(digest(b"nothing"), 7)
    names = [b"new\nline", b"esc\x1b[31m", b"bad\xff\xfeutf8", b"back\\slash", "한국어".encode(), b"tab\t", b" ", b"-rf", b"a" * 99]
    one(good + "names", b"".join(file(n) for n in names) + END)
    one(good + "through-a-link", entry(b"a", b"2", link=b"/etc", mode=0o777) + file(b"a/escaped") + END)
    one(good + "told-twice", entry(b"b", b"2", link=b"x") + entry(b"a", b"1", link=b"b") + entry(b"a", b"2", link=b"y") + END)
    data, whole = many(1000000)
    one(good + "many", data, "tar+gzip", diff_ids=[whole])


main(sys.argv[1])
