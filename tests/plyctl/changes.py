#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""changes.py snapshot DIR FILE : what DIR shows, to FILE.
changes.py diff OLD NEW : the lines that `plyctl diff` has to print for two snapshots."""
import hashlib
import json
import os
import stat
import sys


def describe(path):
    st = os.lstat(path)
    kind = stat.S_IFMT(st.st_mode)
    out = [kind, st.st_mode & 0o7777 if kind != stat.S_IFLNK else 0, st.st_uid, st.st_gid]
    if kind == stat.S_IFLNK:
        out.append(os.readlink(os.fsencode(path)).hex())
    else:
        out.append(st.st_mtime_ns)
    if kind == stat.S_IFREG:
        with open(path, "rb") as f:
            out.append(hashlib.sha256(f.read()).hexdigest())
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        out.append(st.st_rdev)
    names = sorted(n for n in os.listxattr(path, follow_symlinks=False) if n.startswith(("user.", "security.", "system.posix")))
    out.append([[n, os.getxattr(path, n, follow_symlinks=False).hex()] for n in names])
    return out


def snapshot(top):
    found = {}
    for at, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(at, name)
            found["/" + os.path.relpath(path, top)] = describe(path)
    return found


def parents(path):
    while path.rfind("/") > 0:
        path = path[:path.rfind("/")]
        yield path


def diff(old, new):
    lines = {}
    for path in new:
        if path not in old:
            lines[path] = "A"
        elif new[path] != old[path]:
            lines[path] = "C"
    for path in old:
        above = next(parents(path), None)
        if path not in new and (above is None or new.get(above, [0])[0] == stat.S_IFDIR):
            lines[path] = "D"
    for path in [path for path in lines if lines[path] != "C"]:
        for above in parents(path):
            lines.setdefault(above, "C")
    return lines


def main():
    if sys.argv[1] == "snapshot":
        with open(sys.argv[3], "w") as f:
            json.dump(snapshot(sys.argv[2]), f)
        return
    with open(sys.argv[2]) as a, open(sys.argv[3]) as b:
        lines = diff(json.load(a), json.load(b))
    for path in sorted(lines, key=lambda p: [os.fsencode(c) for c in p.split("/")]):
        print(lines[path], path)


main()
