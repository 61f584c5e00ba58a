#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker_root.py ROOT IMAGE NAME [CONTAINER CONTAINER-NAME] : adds an image of containers-storage to a data root as docker's overlay2 driver lays
it out, and a container with the files that podman's has. The files of layers are those of podman, because both engines write overlayfs's forms."""
import gzip
import hashlib
import json
import os
import secrets
import string
import subprocess
import sys


def podman(*words):
    return json.loads(subprocess.run(["podman", *words], check=True, capture_output=True).stdout)[0]


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def sha256(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class Root:
    def __init__(self, path):
        self.path = path
        self.db = path + "/image/overlay2"
        os.makedirs(path + "/overlay2/l", exist_ok=True)
        os.makedirs(path + "/containers", exist_ok=True)

    def layer(self, name, below, files):
        """A folder of the driver: `below` has the names of the layers below, topmost first. The short link stands for it in `lower`."""
        top = f"{self.path}/overlay2/{name}"
        link = "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(26))
        os.makedirs(top)
        if files:
            subprocess.run(["cp", "-a", files, top + "/diff"], check=True)
        else:
            os.mkdir(top + "/diff")
        os.symlink(f"../{name}/diff", f"{self.path}/overlay2/l/{link}")
        write(top + "/link", link)
        if below:
            os.mkdir(top + "/work")
            write(top + "/lower", ":".join("l/" + open(f"{self.path}/overlay2/{b}/link").read() for b in below))

    def image(self, image, name):
        info = podman("image", "inspect", image)
        config = subprocess.run(["skopeo", "inspect", "--config", "--raw", "containers-storage:" + image], check=True, capture_output=True).stdout
        assert hashlib.sha256(config).hexdigest() == info["Id"]
        data = info["GraphDriver"]["Data"]
        folders = [data["UpperDir"]] + [d for d in data.get("LowerDir", "").split(":") if d]
        chain, below = None, []
        for diff_id, files in zip(info["RootFS"]["Layers"], reversed(folders)):
            parent, chain = chain, sha256(f"{chain} {diff_id}") if chain else diff_id
            at = f"{self.db}/layerdb/sha256/{chain[7:]}"
            if os.path.exists(at):
                below.insert(0, open(at + "/cache-id").read())
                continue
            cache = secrets.token_hex(32)
            self.layer(cache, below, files)
            if below:
                write(f"{self.path}/overlay2/{below[0]}/committed", b"")
            below.insert(0, cache)
            write(at + "/cache-id", cache)
            write(at + "/diff", diff_id)
            if parent:
                write(at + "/parent", parent)
            size = sum(os.lstat(os.path.join(top, f)).st_size for top, _, names in os.walk(files) for f in names)
            write(at + "/size", str(size))
            write(at + "/tar-split.json.gz", gzip.compress(b""))
        write(f"{self.db}/imagedb/content/sha256/{info['Id']}", config)
        names = self.db + "/repositories.json"
        known = json.load(open(names)) if os.path.exists(names) else {"Repositories": {}}
        known["Repositories"].setdefault(name.rsplit(":", 1)[0], {})[name] = "sha256:" + info["Id"]
        write(names, json.dumps(known, separators=(",", ":")))
        return info["Id"], chain, below

    def container(self, container, name, image_id, chain, below):
        info = podman("inspect", container)
        mount = secrets.token_hex(32)
        own = info["Id"]
        # The files that docker mounts over, in a layer between.
        self.layer(mount + "-init", below, None)
        for path in ("dev/console", "etc/hosts", "etc/hostname", "etc/resolv.conf"):
            write(f"{self.path}/overlay2/{mount}-init/diff/{path}", b"")
        self.layer(mount, [mount + "-init", *below], info["GraphDriver"]["Data"]["UpperDir"])
        at = f"{self.db}/layerdb/mounts/{own}"
        write(at + "/mount-id", mount)
        write(at + "/init-id", mount + "-init")
        write(at + "/parent", chain)
        write(f"{self.path}/containers/{own}/config.v2.json", json.dumps({
            "ID": own, "Created": info["Created"], "Name": "/" + name, "Image": "sha256:" + image_id, "Driver": "overlay2", "OS": "linux"}))
        write(f"{self.path}/containers/{own}/hostconfig.json", "{}")


def main(path, image, name, container=None, container_name=None):
    root = Root(path)
    found = root.image(image, name)
    if container:
        root.container(container, container_name, *found)


main(*sys.argv[1:])
