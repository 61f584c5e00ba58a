#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""odd.py make SEED DIR DIR : two lower layers with every kind of object, and names of any bytes.
odd.py change SEED DIR : changes a mounted union at random.
odd.py compare BELOW ABOVE [coarse] : reads `plyctl diff --json`, and finds what isn't the difference of the two trees. With `coarse`, as of an
archive: with times in seconds.
odd.py dialect FORM UPPER : rewrites the whiteouts and opaque marks of an upper: `aufs`, or `xattr`.
odd.py layout DIR LAYER.. : an OCI layout of the layers, topmost first, with whiteouts as images have them.
odd.py huge DIR ENTRIES : an OCI layout of that many files, and a layer on top that deletes one of a thousand."""
import hashlib
import io
import json
import os
import random
import shutil
import stat
import sys
import tarfile

NAMES = [b"a", b"b", b"new\nline", b"bad\xff\xfeutf8", b"with space", "한국어".encode(), b"back\\slash", b"-dash", b"x" * 200, b"a.b", b"a-b"]


def attempt(call, *args, **more):
    try:
        call(*args, **more)
    except OSError:
        pass


def write(path, data, how=os.O_TRUNC):
    # A pipe without a reader is an error, and a link isn't followed.
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | how, 0o644)
    os.write(fd, data)
    os.close(fd)


def everything(top):
    found = [os.path.join(at, name) for at, dirs, files in os.walk(top) for name in dirs + files]
    return sorted(found)


def make(choose, layers):
    for number, top in enumerate(layers):
        dirs = [top]
        for _ in range(25):
            path = os.path.join(choose.choice(dirs), choose.choice(NAMES))
            if os.path.lexists(path) or path.count(b"/") - top.count(b"/") > 4:
                continue
            os.mkdir(path)
            dirs.append(path)
        for _ in range(150):
            path = os.path.join(choose.choice(dirs), choose.choice(NAMES) + b"%d" % choose.randrange(4))
            kind = choose.randrange(8)
            if os.path.lexists(path):
                continue
            if kind == 0:
                os.symlink(choose.choice(NAMES), path)
            elif kind == 1:
                os.mkfifo(path)
            elif kind == 2:
                os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
            else:
                write(path, b"%d\n" % choose.randrange(10) * choose.randrange(1, 500))
            if kind == 4:
                attempt(os.link, path, path + b".link")
            if kind == 5:
                os.setxattr(path, "user.note", b"layer %d" % number)
    for top in layers:
        for path in everything(top):
            os.utime(path, (1e9, 1e9), follow_symlinks=False)


def one_change(choose, top):
    paths = everything(top)
    path = choose.choice(paths)
    other = os.path.join(os.path.dirname(choose.choice(paths)), choose.choice(NAMES) + b".new%d" % choose.randrange(5))
    kind = choose.randrange(14)
    if kind == 0 and os.path.isfile(path) and not os.path.islink(path):
        attempt(write, path, b"more\n", os.O_APPEND)
    elif kind == 1:
        attempt(os.unlink, path)
    elif kind == 2 and os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    elif kind == 3 and os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
        attempt(os.mkdir, path)
        attempt(write, os.path.join(path, choose.choice(NAMES)), b"in\n")
    elif kind == 4:
        attempt(os.unlink, path)
        attempt(os.mkdir, path)
    elif kind == 5 and os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
        attempt(write, path, b"now a file\n")
    elif kind in (6, 7):
        attempt(os.rename, path, other)
    elif kind == 8:
        attempt(os.link, path, other, follow_symlinks=False)
    elif kind == 9 and not os.path.islink(path):
        attempt(os.chmod, path, choose.choice([0o600, 0o711, 0o644]))
    elif kind == 10:
        attempt(os.chown, path, choose.randrange(3), choose.randrange(3), follow_symlinks=False)
    elif kind == 11:
        attempt(os.setxattr, path, "user.note", b"changed")
    elif kind == 12:
        if not os.path.lexists(other):
            attempt(write, other, b"new\n")
    elif kind == 13:
        attempt(os.makedirs, os.path.join(other, b"deep", b"er"))


def describe(path, coarse):
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    out = [kind, st.st_uid, st.st_gid, st.st_mode & 0o7777 if kind != stat.S_IFLNK else 0]
    if kind == stat.S_IFLNK:
        out.append(os.readlink(path))
    else:
        out.append(st.st_mtime_ns // 10**9 if coarse else st.st_mtime_ns)
    if kind == stat.S_IFREG:
        with open(path, "rb") as f:
            out.append(hashlib.sha256(f.read()).digest())
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        out.append(st.st_rdev)
    out.append(sorted((n, os.getxattr(path, n, follow_symlinks=False)) for n in os.listxattr(path, follow_symlinks=False)
                      if n.startswith(("user.", "security.", "system.posix"))))
    return out


def snapshot(top, coarse):
    return {os.path.relpath(path, top): describe(path, coarse) for path in everything(top)}


def parents(path):
    while b"/" in path:
        path = os.path.dirname(path)
        yield path


def difference(old, new):
    lines = {path: "C" if path in old else "A" for path in new if new[path] != old.get(path)}
    for path in old:
        above = next(parents(path), None)
        if path not in new and (above is None or new.get(above, [0])[0] == stat.S_IFDIR):
            lines[path] = "D"
    for path in [path for path in lines if lines[path] != "C"]:
        for above in parents(path):
            lines.setdefault(above, "C")
    return lines


def compare(below, above, coarse):
    said = {}
    for change in json.load(sys.stdin)["changes"]:
        path = bytes.fromhex(change["path_hex"]) if "path_hex" in change else change["path"].encode()
        assert path[1:] not in said, path
        said[path[1:]] = change["kind"]
    wanted = difference(snapshot(below, coarse), snapshot(above, coarse))
    if said == wanted:
        print(len(said), "changes")
        return 0
    for path in sorted(set(said) | set(wanted)):
        if said.get(path) != wanted.get(path):
            print(path, "said", said.get(path), "wanted", wanted.get(path))
    return 1


def is_whiteout(path):
    st = os.lstat(path)
    return stat.S_ISCHR(st.st_mode) and st.st_rdev == 0


def is_opaque(path):
    try:
        return os.getxattr(path, "trusted.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False


def keep_time(path, call):
    st = os.lstat(path)
    call()
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


def dialect(form, upper):
    def rewrite(path):
        os.unlink(path)
        if form == "aufs":
            write(os.path.join(os.path.dirname(path), b".wh." + os.path.basename(path)), b"")
            return
        write(path, b"")
        os.setxattr(path, "trusted.overlay.whiteout", b"")
        if not is_opaque(os.path.dirname(path)):
            os.setxattr(os.path.dirname(path), "trusted.overlay.opaque", b"x")

    for path in everything(upper):
        if is_whiteout(path):
            keep_time(os.path.dirname(path), lambda: rewrite(path))
        elif form == "aufs" and is_opaque(path):
            os.removexattr(path, "trusted.overlay.opaque")
            keep_time(path, lambda: write(os.path.join(path, b".wh..wh..opq"), b""))


def layer_tar(top):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        links = {}
        for path in [top] + everything(top):
            name = os.fsdecode(os.path.relpath(path, top))
            if is_whiteout(path):
                tar.addfile(tarfile.TarInfo(os.path.join(os.path.dirname(name), ".wh." + os.path.basename(name))))
                continue
            member = tar.gettarinfo(os.fsdecode(path), name)
            member.mtime = int(member.mtime)
            for xattr in os.listxattr(path, follow_symlinks=False):
                if xattr.startswith("user."):
                    member.pax_headers["SCHILY.xattr." + xattr] = os.getxattr(path, xattr, follow_symlinks=False).decode()
            first = links.setdefault(os.lstat(path).st_ino, name)
            if first != name and not member.isdir():
                member.type, member.linkname, member.size = tarfile.LNKTYPE, first, 0
            elif member.type == tarfile.LNKTYPE:
                member.type = tarfile.REGTYPE
            if member.isreg():
                with open(path, "rb") as f:
                    tar.addfile(member, f)
            else:
                tar.addfile(member)
            if member.isdir() and is_opaque(path):
                tar.addfile(tarfile.TarInfo(os.path.join(name, ".wh..wh..opq")))
    return out.getvalue()


def huge_tar(names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    return out.getvalue()


def huge(out, entries):
    folders = [f"usr/share/package-{i:05}" for i in range(entries // 100)]
    layout(out, [huge_tar(f"{folder}/.wh.some-file-7" for folder in folders[::10]),
                 huge_tar(f"{folder}/some-file-{i}" for folder in folders for i in range(100))])


def layout(out, tars):
    """`tars` are topmost first."""
    def blob(data):
        digest = hashlib.sha256(data).hexdigest()
        write(os.path.join(out, b"blobs/sha256", digest.encode()), data)
        return {"digest": "sha256:" + digest, "size": len(data)}

    os.makedirs(os.path.join(out, b"blobs/sha256"))
    tars = tars[::-1]
    kind = "application/vnd.oci.image."
    config = {"architecture": "amd64", "os": "linux", "config": {},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(t).hexdigest() for t in tars]}}
    manifest = {"schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
                "config": {"mediaType": kind + "config.v1+json", **blob(json.dumps(config).encode())},
                "layers": [{"mediaType": kind + "layer.v1.tar", **blob(t)} for t in tars]}
    index = {"schemaVersion": 2, "manifests": [{"mediaType": kind + "manifest.v1+json", **blob(json.dumps(manifest).encode())}]}
    write(os.path.join(out, b"index.json"), json.dumps(index).encode())
    write(os.path.join(out, b"oci-layout"), b'{"imageLayoutVersion": "1.0.0"}')


def main():
    verb, *args = sys.argv[1:]
    args = [os.fsencode(arg) for arg in args]
    if verb == "make":
        make(random.Random(int(args[0])), args[1:])
    elif verb == "change":
        choose = random.Random(int(args[0]))
        for _ in range(60):
            one_change(choose, args[1])
    elif verb == "compare":
        sys.exit(compare(args[0], args[1], len(args) > 2))
    elif verb == "dialect":
        dialect(os.fsdecode(args[0]), args[1])
    elif verb == "layout":
        layout(args[0], [layer_tar(top) for top in args[1:]])
    elif verb == "huge":
        huge(args[0], int(args[1]))


main()
