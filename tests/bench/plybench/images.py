# SPDX-License-Identifier: Apache-2.0
"""The image that plyctl's rows are about, as an OCI layout, and the private places of podman and skopeo.

What needs memory runs in processes of its own: the resident memory of a program that is measured is never told as less than that of the process
that started it."""
import hashlib
import io
import json
import multiprocessing
import os
import random
import subprocess
import tarfile
import zlib

from .systems import BenchError

LAYERS = 6
# What each layer adds, and what of the lowest layer it writes anew or deletes, as shares of all files.
ADDS = (0.5, 0.15, 0.1, 0.1, 0.05, 0.0)
REWRITES = (0, 0, 0, 0.06, 0.02, 0.02)
DELETES = (0, 0, 0, 0, 0.02, 0.03)
FILES_IN_DIRECTORY = 40
PACKED = "application/vnd.oci.image.layer.v1.tar+gzip"
POOL = 48 << 20
EPOCH = 1_500_000_000


def call(*argv, **more):
    done = subprocess.run(argv, check=False, capture_output=True, text=True, **more)
    if done.returncode:
        raise BenchError(f"{' '.join(argv)}: status {done.returncode}: {' '.join(done.stderr.split())}")
    return done.stdout


def private_places(store):
    """podman and skopeo with a store there, and without the machine's own settings. In a mount namespace of its own."""
    for place in ("/run", "/dev/shm", "/var/lib/containers", "/etc/containers"):
        os.makedirs(place, exist_ok=True)
        call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place)
    with open("/etc/containers/storage.conf", "w", encoding="ascii") as f:
        f.write(f'[storage]\ndriver = "overlay"\ngraphroot = "{store}"\nrunroot = "/run/store"\n')
    with open("/etc/containers/policy.json", "w", encoding="ascii") as f:
        f.write('{"default": [{"type": "insecureAcceptAnything"}]}')
    with open("/etc/containers/containers.conf", "w", encoding="ascii") as f:
        f.write('[containers]\nnetns = "none"\nlog_driver = "k8s-file"\n[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\n'
                'events_logger = "none"\n')


def sizes_of(count, total):
    """Many small files and few large ones, as in a distribution: so many bytes in all."""
    draw = random.Random(1)
    shape = [min(draw.paretovariate(0.9), 1000) for _ in range(count)]
    scale = total / sum(shape)
    return [int(s * scale) for s in shape]


def pool():
    """Bytes of this machine's own programs, libraries and documents, so that they compress as those of images do."""
    out = io.BytesIO()
    for top in ("/usr/bin", "/usr/lib", "/usr/share"):
        end = out.tell() + POOL // 3
        for folder, folders, files in os.walk(top):
            folders.sort()
            for path in (f"{folder}/{name}" for name in sorted(files)):
                if out.tell() < end and os.path.isfile(path) and os.path.getsize(path) < 1 << 20:
                    with open(path, "rb") as f:
                        out.write(f.read())
    text = out.getvalue()
    if not text:
        raise BenchError("/usr has no files")
    return (text * (POOL // len(text) + 1))[:POOL]


class Plan:
    """Which file lies in which layer. The same each time."""

    def __init__(self, entries, total):
        self.n = int(entries * FILES_IN_DIRECTORY / (FILES_IN_DIRECTORY + 1) / sum(ADDS + REWRITES + DELETES))
        self.counts = [int(self.n * share) for share in ADDS]
        self.sizes = sizes_of(sum(self.counts), total)

    def path(self, number):
        folder = number // FILES_IN_DIRECTORY
        return f"usr/share/p{folder % 97}/d{folder}/f{number}"

    def of_layer(self, layer):
        """(number, version) of each file; the version of a deleted one is None. Files are written anew from the first on, and deleted from the
        last of the lowest layer on."""
        def share(shares):
            return range(int(self.n * sum(shares[:layer])), int(self.n * sum(shares[:layer + 1])))
        first = sum(self.counts[:layer])
        yield from ((n, 0) for n in range(first, first + self.counts[layer]))
        yield from ((n, layer) for n in share(REWRITES))
        yield from ((self.counts[0] - 1 - n, None) for n in share(DELETES))


class Packer:
    """A file that takes both digests of what is written to it, and compresses it."""

    def __init__(self, path):
        self.out, self.outer, self.inner = open(path, "wb"), hashlib.sha256(), hashlib.sha256()
        self.packs, self.size = zlib.compressobj(6, wbits=31), 0

    def put(self, data):
        self.outer.update(data)
        self.size += len(data)
        self.out.write(data)

    def write(self, data):
        self.inner.update(data)
        self.put(self.packs.compress(data))
        return len(data)

    def close(self):
        self.put(self.packs.flush())
        self.out.close()


def entry(name, kind, size=0, mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.mtime = kind, size, mode, EPOCH + hash_of(name) % 1_000_000
    info.uid = info.gid = 1000 if hash_of(name) % 10 == 0 else 0
    return info


def hash_of(text):
    return zlib.crc32(text.encode())


def folders_of(path):
    """The path and those above it, topmost first."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def make_layer(job):
    """(digest, diff_id, size) of one layer, which becomes a blob below `blobs`."""
    blobs, plan, layer = job
    text, packer, known = pool(), Packer(f"{blobs}/layer{layer}"), set()
    with tarfile.open(fileobj=packer, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
        for number, version in plan.of_layer(layer):
            name = plan.path(number)
            folder = os.path.dirname(name)
            for parent in folders_of(folder) if folder not in known else ():
                if parent not in known:
                    tar.addfile(entry(parent, tarfile.DIRTYPE, mode=0o755))
                    known.add(parent)
            if version is None:
                tar.addfile(entry(f"{folder}/.wh.f{number}", tarfile.REGTYPE))
                continue
            size = plan.sizes[number]
            at = hash_of(f"{number} {version}") % (POOL - size)
            data = (f"{number} {version}\n".encode() + text[at:at + size])[:size]
            tar.addfile(entry(name, tarfile.REGTYPE, size), io.BytesIO(data))
    packer.close()
    digest = packer.outer.hexdigest()
    os.rename(f"{blobs}/layer{layer}", f"{blobs}/{digest}")
    return digest, packer.inner.hexdigest(), packer.size


def blob(blobs, document):
    text = json.dumps(document).encode()
    digest = hashlib.sha256(text).hexdigest()
    with open(f"{blobs}/{digest}", "wb") as f:
        f.write(text)
    return {"digest": f"sha256:{digest}", "size": len(text)}


def make_layout(folder, entries, total):
    """The image `bench` in an OCI layout. Returns nothing: it runs in a process of its own."""
    blobs = f"{folder}/blobs/sha256"
    os.makedirs(blobs)
    plan = Plan(entries, total)
    with multiprocessing.Pool() as workers:
        layers = workers.map(make_layer, [(blobs, plan, n) for n in range(LAYERS)], chunksize=1)
    history = [{"created": "2020-01-01T00:00:00Z", "created_by": f"step {n}"} for n in range(LAYERS)]
    config = {"created": "2020-01-01T00:00:00Z", "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
              "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}" for _, diff_id, _ in layers]}, "history": history}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(blobs, config)},
                "layers": [{"mediaType": PACKED, "digest": f"sha256:{digest}", "size": size} for digest, _, size in layers]}
    item = {"mediaType": manifest["mediaType"], **blob(blobs, manifest),
            "annotations": {"org.opencontainers.image.ref.name": "bench"}}
    with open(f"{folder}/index.json", "w", encoding="ascii") as f:
        json.dump({"schemaVersion": 2, "manifests": [item]}, f)
    with open(f"{folder}/oci-layout", "w", encoding="ascii") as f:
        f.write('{"imageLayoutVersion": "1.0.0"}')


def make_upper(folder, entries, total, changed):
    """An upper in which so many files of the lowest layers have other content, and ten of them are deleted."""
    plan, text = Plan(entries, total), pool()
    for number in range(min(changed, len(plan.sizes))):
        path = f"{folder}/{plan.path(number)}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if number < 10:
            os.mknod(path, 0o020000, os.makedev(0, 0))
            continue
        with open(path, "wb") as f:
            at = hash_of(f"changed {number}") % (POOL - plan.sizes[number])
            f.write(text[at:at + plan.sizes[number]])
        os.utime(path, (EPOCH, EPOCH + number))


def apart(function, *args):
    """Runs it in a process of its own."""
    process = multiprocessing.Process(target=function, args=args)
    process.start()
    process.join()
    if process.exitcode:
        raise BenchError(f"{function.__name__} fails: status {process.exitcode}")


def manifest_of(layout):
    with open(f"{layout}/index.json", encoding="ascii") as f:
        digest = json.load(f)["manifests"][0]["digest"]
    with open(f"{layout}/blobs/sha256/{digest.split(':')[1]}", encoding="ascii") as f:
        return json.load(f)


def diff_ids(layout):
    config = manifest_of(layout)["config"]["digest"]
    with open(f"{layout}/blobs/sha256/{config.split(':')[1]}", encoding="ascii") as f:
        return json.load(f)["rootfs"]["diff_ids"]
