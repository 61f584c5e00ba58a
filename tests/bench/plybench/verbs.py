# SPDX-License-Identifier: Apache-2.0
"""plyctl's verbs and what they are compared with: the commands, and what is put back after each."""
import collections
import glob
import json
import os
import subprocess

from .images import apart, call, diff_ids, make_layout, make_upper, manifest_of
from .systems import BenchError

CHANGED = 25  # files that the container writes to, and as many that it deletes
COMMITTED = 10_000
SQUASHED = "@0..@4"

# A command that is measured. `after` puts the former state back, and isn't measured.
Command = collections.namedtuple("Command", "argv status after")
# A row: plyctl's command, the peer's, and the largest ratio that is the goal. `written`: the ratio that counts is that of the times until all is
# on the disk, which plyctl's making verbs wait for and their peers don't.
Row = collections.namedtuple("Row", "own peer goal written")

ROWS = [
    Row("history", "podman history", 1.0, False),
    Row("df of the store", "podman system df", 1.0, False),
    Row("diff of a container", "podman diff", 1.0, False),
    Row("waste of the layout", "umoci unpack", 1.0, False),
    Row("waste of unpacked layers", "umoci unpack", 1.0, False),
    Row("import of the layout", "umoci unpack", 1.0, True),
    Row("import of the layout", "podman pull oci:", 1.0, True),
    Row("import of docker-archive", "podman load", 1.0, True),
    Row("export of kept blobs", "skopeo copy, gzip", 1.0, True),
    Row("export, gzip", "skopeo copy, gzip", 1.0, True),
    Row("export, uncompressed", "skopeo copy to a folder", 1.0, True),
    Row("commit of 10,000 files", "tar -c | sha256sum", 1.3, False),
    Row("squash of 5 layers", "cp -a of the result", 1.5, True),
]
# Both have run once before they are measured.
QUICK = ("history", "podman history", "df of the store", "podman system df", "diff of a container", "podman diff")
# That of a warm diff, in ms.
DIFF_MOST = 50
# Of the large image, in bytes.
MEMORY_MOST = 100_000_000


class Images:
    """All that the rows need, made once below a folder."""

    def __init__(self, plyctl, folder, entries, total):
        self.plyctl, self.folder, self.entries, self.total = plyctl, folder, entries, total
        self.layout, self.archive, self.upper = f"{folder}/layout", f"{folder}/archive.tar", f"{folder}/upper"
        self.engine, self.store, self.squashed = f"{folder}/engine", f"{folder}/store", f"{folder}/squashed"
        os.environ["PLYCTL_STORE"] = self.store

    def make(self):
        apart(make_layout, self.layout, self.entries, self.total)
        apart(make_upper, self.upper, self.entries, self.total, COMMITTED)
        call(self.plyctl, "import", f"oci:{self.layout}:bench", "--name", "bench")

    def make_for_peers(self):
        """podman has the image and a stopped container, which has changed some files."""
        call("skopeo", "copy", "-q", f"oci:{self.layout}:bench", f"docker-archive:{self.archive}:bench:latest")
        call("podman", "tag", call("podman", "pull", "-q", f"oci:{self.layout}:bench").strip(), "bench")
        call("podman", "create", "--name", "changed", "bench", "/bin/sh")
        root = call("podman", "mount", "changed").strip()
        folders = [folder for folder in sorted(glob.glob(f"{root}/usr/share/*/*")) if len(os.listdir(folder)) > 1]
        for folder in folders[:CHANGED]:
            files = sorted(os.listdir(folder))
            with open(f"{folder}/{files[0]}", "ab") as f:
                f.write(b"more\n")
            os.unlink(f"{folder}/{files[1]}")
        call("podman", "umount", "changed")
        call(self.plyctl, "squash", "bench", SQUASHED, "--name", "made")
        layer = json.loads(call(self.plyctl, "inspect", "made"))["layers"][0]["directory"]
        call("cp", "-a", layer, self.squashed)
        self.drop_made()

    def set_aside(self, path):
        """Nothing is removed before the end: ext4 creates files ten times slower soon after thousands were removed."""
        unmount_below(path)
        if os.path.exists(path):
            os.makedirs(f"{self.folder}/old", exist_ok=True)
            os.rename(path, f"{self.folder}/old/{len(os.listdir(f'{self.folder}/old'))}")

    def drop_made(self):
        """The image and its new layers."""
        known = set(diff_ids(self.layout))
        call(self.plyctl, "rm", "made")
        for name in os.listdir(f"{self.store}/layers"):
            if f"sha256:{name}" not in known:
                self.set_aside(f"{self.store}/layers/{name}")
        call(self.plyctl, "gc", "--yes")

    def layers(self):
        """The directories of the layers in plyctl's store, topmost first."""
        return [f"{self.store}/layers/{d.split(':')[1]}/diff" for d in reversed(diff_ids(self.layout))]

    def stack(self):
        return ":".join([self.upper] + self.layers())


def unmount_below(path):
    with open("/proc/self/mountinfo", encoding="ascii") as f:
        points = [line.split()[4] for line in f]
    for point in reversed(points):
        if point.startswith(f"{path}/"):
            subprocess.run(["umount", "-l", point], check=False)


def check_id(folder, layout):
    """What was exported is the image."""
    if manifest_of(folder)["config"]["digest"] != manifest_of(layout)["config"]["digest"]:
        raise BenchError(f"{folder} is another image")


def own_commands(i):
    """plyctl's."""
    def command(*argv, status=0, after=lambda: None):
        return Command([i.plyctl, *argv], (status,), after)

    def importing(source):
        store = f"{i.folder}/fresh"
        return command("import", "--store", store, source, "--name", "x", after=lambda: i.set_aside(store))

    def exporting(*options):
        target = f"{i.folder}/out"

        def after():
            check_id(target, i.layout)
            i.set_aside(target)
        return command("export", *options, "store:bench", f"oci:{target}:x", after=after)

    def making(*argv):
        return command(*argv, "--name", "made", after=i.drop_made)
    engine = f"containers-storage:[{i.engine}]"
    return {
        "history": command("history", f"{engine}bench"),
        "df of the store": command("df", engine),
        "diff of a container": command("diff", f"{engine}changed", status=3),
        "waste of the layout": command("waste", "--json", f"oci:{i.layout}:bench"),
        "waste of unpacked layers": command("waste", "--json", f"{engine}bench"),
        "import of the layout": importing(f"oci:{i.layout}:bench"),
        "import of docker-archive": importing(f"docker-archive:{i.archive}"),
        "export of kept blobs": exporting(),
        "export, gzip": exporting("--compress", "gzip"),
        "export, uncompressed": exporting("--compress", "none"),
        "commit of 10,000 files": making("commit", i.stack()),
        "squash of 5 layers": making("squash", "bench", SQUASHED),
    }


def peer_commands(i):
    """Of the programs that are installed; all run as root."""
    def command(*argv, after=lambda: None):
        return Command(list(argv), (0,), after)

    def fresh(*argv):
        store = f"{i.folder}/fresh"
        return command("podman", "--root", store, "--runroot", f"{store}-run", *argv,
                       after=lambda: (i.set_aside(store), i.set_aside(f"{store}-run")))
    out = f"{i.folder}/out"
    copy = ["skopeo", "copy", "-q", "containers-storage:localhost/bench"]
    return {
        "podman history": command("podman", "history", "bench"),
        "podman system df": command("podman", "system", "df"),
        "podman diff": command("podman", "diff", "changed"),
        "umoci unpack": command("umoci", "--log=error", "unpack", "--image", f"{i.layout}:bench", out, after=lambda: i.set_aside(out)),
        "podman pull oci:": fresh("pull", "-q", f"oci:{i.layout}:bench"),
        "podman load": fresh("load", "-q", "-i", i.archive),
        "skopeo copy, gzip": command(*copy, f"oci:{out}:x", after=lambda: i.set_aside(out)),
        "skopeo copy to a folder": command(*copy, f"dir:{out}", after=lambda: i.set_aside(out)),
        "tar -c | sha256sum": command("sh", "-c", f"tar -c -C {i.upper} . | sha256sum"),
        "cp -a of the result": command("cp", "-a", i.squashed, out, after=lambda: i.set_aside(out)),
    }


def memory_commands(i):
    """Of an image that is only in plyctl's store."""
    names = ("waste of the layout", "import of the layout", "export of kept blobs", "export, gzip", "commit of 10,000 files")
    commands = {name: c for name, c in own_commands(i).items() if name in names}
    one = {"history": ("history", "bench"), "df": ("df", "store:bench"), "diff": ("diff", i.stack()), "waste of unpacked layers": ("waste", "bench"),
           "check": ("check", i.stack()), "verify": ("verify",)}
    commands.update({name: Command([i.plyctl, *argv], (0, 3), lambda: None) for name, argv in one.items()})
    commands["squash of 5 layers"] = own_commands(i)["squash of 5 layers"]
    return commands
