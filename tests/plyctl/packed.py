#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packed.py DIR : OCI layouts DIR/NAME, each with faults or none, and DIR/NAME.wanted with what `plyctl check` is to find."""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def entry(name, kind=tarfile.REGTYPE, content=b"", link="", mode=0o644, **more):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode, info.mtime = kind, len(content), link, mode, 1000000000
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def folder(name):
    return entry(name, tarfile.DIRTYPE, mode=0o755)


def layer(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def blob(path, data, name=None):
    name = name or digest(data)
    with open(f"{path}/blobs/sha256/{name[7:]}", "wb") as f:
        f.write(data)
    return name


def layout(path, layers, packed=gzip.compress, spoil=None, sizes=(0, 0)):
    """`spoil(descriptors, path)` may change what the manifest says, or the blobs. `sizes`: what is added to those of config and manifest."""
    os.makedirs(path + "/blobs/sha256")
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(t) for t in layers]},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": f"step {i}"} for i in range(len(layers))]}).encode()
    descriptors = []
    for tar in layers:
        data = packed(tar)
        descriptors.append({"mediaType": "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if packed is gzip.compress else ""),
                            "digest": blob(path, data), "size": len(data)})
    if spoil:
        spoil(descriptors, path)
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": descriptors,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": blob(path, config), "size": len(config) + sizes[0]}}).encode()
    with open(path + "/oci-layout", "w") as f:
        f.write('{"imageLayoutVersion": "1.0.0"}')
    with open(path + "/index.json", "w") as f:
        json.dump({"schemaVersion": 2, "manifests": [
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": blob(path, manifest), "size": len(manifest) + sizes[1]}]}, f)


def case(top, name, layers, wanted, **more):
    layout(f"{top}/{name}", layers, **more)
    with open(f"{top}/{name}.wanted", "w") as f:
        f.writelines(line + "\n" for line in wanted)


def other_size(descriptors, path):
    descriptors[0]["size"] += 7


def other_blob(descriptors, path):
    data = gzip.compress(layer(folder("etc"), entry("etc/a", content=b"forged")))
    blob(path, data, descriptors[0]["digest"])
    descriptors[0]["size"] = len(data)


def cut_blob(descriptors, path):
    name = f"{path}/blobs/sha256/{descriptors[0]['digest'][7:]}"
    os.truncate(name, os.path.getsize(name) // 2)


def no_blob(descriptors, path):
    os.remove(f"{path}/blobs/sha256/{descriptors[1]['digest'][7:]}")


def main(top):
    base = layer(folder("etc"), entry("etc/a", content=b"a"), entry("etc/b", content=b"b"), folder("old"), entry("old/x", content=b"x"),
                 entry("old/y", tarfile.LNKTYPE, link="old/x"), entry("lib", tarfile.SYMTYPE, link="etc"), entry("d/x.y", content=b"x"))
    # Whiteouts of every kind, a directory that is told twice, a link to a file below, names that only look odd.
    right = layer(folder("etc"), entry("etc/.wh.b"), entry(".wh.old"), folder("etc"), entry("etc/new", tarfile.LNKTYPE, link="etc/a"),
                  folder("d"), entry("d/.wh..wh..opq"), entry("d/.wh.x.y"), entry("d/x.y", content=b"n"), entry(".wh..wh.plnk/1"),
                  entry("new\nline", content=b"x"), folder("lib"), entry("lib/x", content=b"x"))
    case(top, "right", [base, right], [])
    case(top, "plain", [base, right], [], packed=lambda tar: tar)
    case(top, "twice", [base, layer(entry("f", content=b"1"), entry("f", content=b"2"), folder("g"), folder("./g/"))], ["@0:/f same-path"])
    case(top, "whiteouts", [layer(entry(".wh.none")), layer(folder("etc"), entry("etc/.wh."), entry("etc/.wh.gone"), entry(".wh...")), base,
                            layer(entry("old/.wh.x"), entry("old/.wh.y"), entry(".wh.etc")), layer(entry("old/.wh.x"), entry("etc/.wh.a"))],
         ["@0:/etc/a orphan-whiteout", "@0:/old/x orphan-whiteout", "@3:/.wh... empty-whiteout", "@3:/etc/.wh. empty-whiteout",
          "@3:/etc/gone orphan-whiteout", "@4:/none lowest-whiteout"])
    case(top, "links", [base, layer(entry("l1", tarfile.LNKTYPE, link="nothing"), entry("l2", tarfile.LNKTYPE, link="etc"),
                                    entry("l3", tarfile.LNKTYPE, link="l3"), entry("l4", tarfile.LNKTYPE, link="later"),
                                    entry("l5", tarfile.LNKTYPE, link="../out"), entry("later", content=b"x"))],
         [f"@0:/l{i} dangling-link" for i in (1, 2, 3, 5)])
    case(top, "names", [layer(entry("a/../../b"), entry("/abs"), entry("n" * 256), entry("d/" * 2050 + "f"), entry(".wh.dir/in"))],
         ["@0://abs unstorable-name", "@0:/.wh.dir/in reserved-name", "@0:/a/../../b unstorable-name", "@0:/" + "d/" * 2050 + "f unstorable-name",
          "@0:/" + "n" * 256 + " unstorable-name"])
    case(top, "below-a-file", [base, layer(entry("etc/a/in", content=b"x"), entry("lib/x", content=b"x"))],
         ["@0:/etc/a/in no-directory", "@0:/lib/x no-directory"])
    case(top, "objects", [layer(entry("zero", tarfile.CHRTYPE, devmajor=0, devminor=0), entry(".wh..wh..opq"))],
         ["@0 opaque-root", "@0:/zero device-zero"])
    case(top, "size", [base, right], ["@1 wrong-size"], spoil=other_size)
    case(top, "config-size", [base, right], ["config wrong-size"], sizes=(1, 0))
    case(top, "manifest-size", [base, right], ["manifest wrong-size", "config wrong-size"], sizes=(-1, 3))
    case(top, "forged", [base, right], ["@1 wrong-digest"], spoil=other_blob)
    case(top, "cut", [base, right], ["@1 bad-archive"], spoil=cut_blob)
    case(top, "missing", [base, right], ["@0 no-blob"], spoil=no_blob)


main(sys.argv[1])
