#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `plyctl waste` has to say, by other means.

waste.py random PLYCTL N DIR  makes layers in DIR, N times, and compares what PLYCTL says of them
waste.py layout N DIR         makes an OCI layout of three layers with N files
waste.py memory PLYCTL STACK  prints the largest resident memory in MB
waste.py shown JSON MOUNT     compares `shown` with the files that a mounted union shows
"""
import hashlib
import io
import json
import os
import random
import resource
import shutil
import stat
import subprocess
import sys
import tarfile


def is_whiteout(st):
    return stat.S_ISCHR(st.st_mode) and st.st_rdev == 0


def is_opaque(path):
    try:
        return os.getxattr(path, b"trusted.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False


def entries(top):
    """All objects below a layer's root: (path, kind, size, content, attributes)."""
    top = os.fsencode(top)
    found = []
    for where, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(where, name)
            st = os.lstat(path)
            rel = os.path.relpath(path, top)
            if is_whiteout(st):
                found.append((rel, "whiteout", 0, None, None))
            elif stat.S_ISREG(st.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
                found.append((rel, "file", len(content), content, (st.st_mode, st.st_uid, st.st_gid)))
            elif stat.S_ISDIR(st.st_mode):
                found.append((rel, "opaque" if is_opaque(path) else "dir", 0, None, None))
            else:
                found.append((rel, "other", 0, None, None))
    return sorted(found, key=lambda e: e[0].split(b"/"))


def below(path, top):
    return path == top or path.startswith(top + b"/")


def dive(layers):
    """dive's formula; layers lowest first."""
    stacked = {}  # path: (is directory, size)
    sums, least, counts = {}, {}, {}
    for layer in layers:
        parents = set()
        for path, *_ in layer:
            while b"/" in path:
                path = path.rpartition(b"/")[0]
                parents.add(path)
        for path, kind, size, *_ in layer:
            if path in parents:
                continue
            if kind == "whiteout":
                size = 0
                if stacked.get(path, (False, 0))[0]:
                    size = sum(s for p, (_, s) in stacked.items() if below(p, path))
            sums[path] = sums.get(path, 0) + size
            least[path] = min(least.get(path, size), size)
            counts[path] = counts.get(path, 0) + 1
        for path, kind, *_ in layer:
            if kind == "whiteout":
                stacked = {p: v for p, v in stacked.items() if not below(p, path)}
        for path, kind, size, *_ in layer:
            if kind != "whiteout":
                stacked[path] = (kind in ("dir", "opaque"), size)
    total = sum(sums.values())
    score = sum(least.values()) / total if total else 1.0
    return score, sum(sums[p] for p in sums if counts[p] > 1)


def own(layers):
    """Bytes, kinds of waste, duplicates; layers lowest first."""
    shown = {}  # path: (kind, size, content, attributes)
    kinds = dict.fromkeys(("hidden", "deleted", "rewritten", "metadata", "duplicate"), 0)
    total = 0
    for layer in layers:
        hidden = {}
        for path, kind, *_ in layer:
            for p in list(shown):
                if kind in ("whiteout", "opaque") and below(p, path):
                    hidden[p] = shown.pop(p)
        for path, kind, size, content, attributes in layer:
            if kind == "whiteout":
                continue
            total += size
            before = shown.get(path)
            if kind in ("dir", "opaque"):
                if before and before[0] == "dir":
                    continue
                kind = "dir"
            else:
                for p in list(shown):
                    if below(p, path):
                        hidden[p] = shown.pop(p)
            if before:
                hidden[path] = before
            shown[path] = (kind, size, content, attributes)
        for path, (kind, size, content, attributes) in hidden.items():
            now = shown.get(path)
            if kind != "file":
                continue
            if not now or now[0] != "file":
                kinds["deleted"] += size
            elif now[2] != content:
                kinds["hidden"] += size
            else:
                kinds["rewritten" if now[3] == attributes else "metadata"] += size
    contents = [content for kind, _, content, _ in shown.values() if kind == "file"]
    kinds["duplicate"] = sum(map(len, contents)) - sum(map(len, set(contents)))
    return total, kinds


def same(what, got, want):
    if isinstance(want, float) and abs(got - want) < 1e-9:
        return True
    if got != want:
        print(f"{what}: {got}, not {want}")
    return got == want


def check(doc, layers):
    layers = [entries(layer) for layer in reversed(layers)]
    score, wasted = dive(layers)
    total, kinds = own(layers)
    in_vain = sum(kinds.values()) - kinds["duplicate"]
    user = total - sum(size for _, _, size, *_ in layers[0])
    right = [same("dive score", doc["dive"]["score"], float(score)), same("dive wasted", doc["dive"]["wasted"], wasted),
             same("bytes", doc["bytes"], total), same("kinds", doc["kinds"], kinds), same("wasted", doc["wasted"], in_vain),
             same("score", doc["score"], float((total - in_vain) / total if total else 1)),
             same("shown", doc["shown"], total - in_vain),
             same("user_bytes", doc["user_bytes"], user),
             same("user_wasted", doc["user_wasted"], in_vain / user if user else None),
             same("dive user_wasted", doc["dive"]["user_wasted"], wasted / user if user else None),
             same("layers", [l["bytes"] for l in doc["layers"]], [sum(e[2] for e in l) for l in reversed(layers)]),
             same("sum of paths", sum(p["bytes"] for p in doc["paths"]), sum(kinds.values())),
             same("sum of layers", sum(l["wasted"] for l in doc["layers"]), in_vain),
             same("order", [p["bytes"] for p in doc["paths"]], sorted((p["bytes"] for p in doc["paths"]), reverse=True))]
    return all(right)


def shown(doc, top):
    sizes = {}
    for where, _, files in os.walk(os.fsencode(top)):
        for name in files:
            st = os.lstat(os.path.join(where, name))
            if stat.S_ISREG(st.st_mode):
                sizes[st.st_ino] = st.st_size
    return same("shown", doc["shown"], sum(sizes.values()))


NAMES = ["a", "b", "c d", "\udcff", "n\nl"]


def write(path, kind):
    if kind == "file":
        with open(path, "wb") as file:
            file.write(random.choice([b"", b"x", b"xy", b"yx", b"12345" * 20, b"54321" * 20, b"z" * 100]))
        os.chmod(path, random.choice([0o644, 0o644, 0o600]))
    elif kind == "whiteout":
        os.mknod(path, stat.S_IFCHR, 0)
    elif kind == "link":
        os.symlink("target", path)


def fill(path, depth):
    for name in random.sample(NAMES, random.randint(0, len(NAMES))):
        kind = random.choice(["file", "file", "whiteout", "link", "dir", "dir"] if depth else ["file", "whiteout"])
        child = os.path.join(path, name)
        if kind != "dir":
            write(child, kind)
            continue
        os.mkdir(child)
        if random.random() < 0.2:
            os.setxattr(child, "trusted.overlay.opaque", b"y")
        fill(child, depth - 1)


def make(top):
    n = random.randint(1, 6)
    for i in range(n):
        layer = os.path.join(top, str(i))
        shutil.rmtree(layer, ignore_errors=True)
        os.makedirs(layer)
        fill(layer, 3)
    return [os.path.join(top, str(i)) for i in range(n)]


def compare(plyctl, seed, top):
    random.seed(seed)
    layers = make(top)
    said = subprocess.run([plyctl, "waste", "--json", "--dive", ":".join(layers)], stdout=subprocess.PIPE, check=True).stdout
    if check(json.loads(said), layers):
        return True
    print(f"seed {seed}: {layers}")
    return False


def blob(top, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(f"{top}/blobs/sha256/{digest}", "wb") as file:
        file.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def layer_of(numbers, factor):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for n in numbers:
            data = b"%d" % (n * factor)
            info = tarfile.TarInfo(f"usr/share/dir{n % 500}/package-{n % 37}/some-file-name-{n}.txt")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def layout(n, top):
    oci = "application/vnd.oci.image."
    os.makedirs(f"{top}/blobs/sha256")
    third = n // 3
    blobs = [blob(top, layer_of(range(at, at + third), i + 1)) for i, at in enumerate((0, 0, third // 2))]
    config = {"os": "linux", "architecture": "amd64", "config": {},
              "rootfs": {"type": "layers", "diff_ids": [b["digest"] for b in blobs]}}
    manifest = {"schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
                "config": {"mediaType": oci + "config.v1+json", **blob(top, json.dumps(config).encode())},
                "layers": [{"mediaType": oci + "layer.v1.tar", **b} for b in blobs]}
    index = {"schemaVersion": 2, "manifests": [{"mediaType": oci + "manifest.v1+json", **blob(top, json.dumps(manifest).encode())}]}
    for name, document in (("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
        with open(f"{top}/{name}", "w", encoding="utf-8") as file:
            json.dump(document, file)


def memory(plyctl, stack):
    with open(os.devnull, "wb") as null:
        subprocess.run([plyctl, "waste", "--dive", "--json", stack], stdout=null, check=True)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000)


if sys.argv[1] == "random":
    sys.exit(not all(compare(sys.argv[2], seed, sys.argv[4]) for seed in range(int(sys.argv[3]))))
elif sys.argv[1] == "layout":
    layout(int(sys.argv[2]), sys.argv[3])
elif sys.argv[1] == "memory":
    memory(sys.argv[2], sys.argv[3])
elif sys.argv[1] == "shown":
    with open(sys.argv[2], encoding="utf-8") as source:
        sys.exit(not shown(json.load(source), sys.argv[3]))
