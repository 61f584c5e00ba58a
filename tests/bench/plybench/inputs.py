# SPDX-License-Identifier: Apache-2.0
"""What the rows of real programs work on, made from nothing but numbers and this machine's own files, and what must come out of it.

A function make_X(top) fills the layers top/0 (the topmost), top/1, ... and writes top/expected.json, which programs.py compares with
what a program left in the merged tree. Where this machine lacks what a stack is made with, Skip tells why.
"""
import glob
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sysconfig
import tarfile

PROGRAM_LAYERS, IMAGE_LAYERS, ROOT_LAYERS = 3, 8, 2
ENGINE_DIRS, ENGINE_FILES, ENGINE_CHANGED = 2600, 9, 60
# Where an engine's storage has them, which tells plyfs who asks.
ENGINE_LINKS = [f"l/{'LAYER' * 5}{i}" for i in range(3)]
SOURCES, C_FILES, HEADERS, C_INCLUDES = 3000, 100, 40, 20
NPM_FILES, NPM_PACKAGES = 10000, 1000
IMAGE_FILES, IMAGE_MOST = 12000, 24 << 10
DEBS, DEB_FILES = 5, 400
TIMEOUT_S = 240
# Not compiled: tests have files that are no Python, and what is installed is not the library.
STDLIB_LEFT_OUT = re.compile(r"^(tests?|idlelib|lib2to3|(site|dist)-packages|turtledemo|__pycache__|config-.*)$")
ROOT_PROGRAMS = ["sh", "cat", "rm", "tar", "diff", "dpkg", "dpkg-deb", "dpkg-split", "dpkg-query", "ldconfig", "start-stop-daemon"]
APT_PROGRAMS = ["apt-get", "/usr/lib/apt/methods/copy", "/usr/lib/apt/methods/file", "/usr/lib/apt/methods/store"]

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C", "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a", "GIT_AUTHOR_DATE": "1000000000 +0000", "GIT_COMMITTER_DATE": "1000000000 +0000",
    "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "1000000000", "DEBIAN_FRONTEND": "noninteractive",
}
COMMIT = [["git", "init", "-q", "-b", "main"], ["git", "config", "gc.auto", "0"], ["git", "add", "."], ["git", "commit", "-q", "-m", "all"]]


class Skip(Exception):
    """Why a row can't be measured here, by no system."""


def need(*programs):
    for program in programs:
        if not find(program):
            raise Skip(f"{program} isn't installed")


def find(program):
    return shutil.which(program, path=ENVIRONMENT["PATH"])


def run(argv, cwd=None, first=None):
    """What it wrote. `first` is called in it before its program. It has a process group of its own, which ends with it when it takes too long."""
    with subprocess.Popen(argv, cwd=cwd, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, start_new_session=True, preexec_fn=first) as p:
        try:
            out, error = p.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as e:
            raise RuntimeError(f"{argv[0]}: not done after {TIMEOUT_S} s") from e
        finally:
            if p.returncode is None:
                os.killpg(p.pid, signal.SIGKILL)
    if p.returncode:
        raise RuntimeError(f"{argv[0]}: {((error.strip() or out.strip()).splitlines() or [f'exit status {p.returncode}'])[-1]}")
    return out


def put(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())


def digest(files):
    """Of names and contents; files: (name, content) in any order."""
    h = hashlib.sha256()
    for name, content in sorted(files):
        h.update(f"{name}\0{len(content)}\0".encode() + content)
    return h.hexdigest()


def tree_files(top):
    for path, _, names in os.walk(top):
        for name in names:
            full = f"{path}/{name}"
            with open(full, "rb") as f:
                yield os.path.relpath(full, top), f.read()


def text(seed, size):
    r = random.Random(seed)
    words = [f"{r.getrandbits(32):x}" for _ in range(size // 9 + 1)]
    return "\n".join(" ".join(words[i:i + 8]) for i in range(0, len(words), 8)) + "\n"


# --- the stack of programs ---------------------------------------------------------------------------------------------


def source_files():
    return {f"src/part{i % 30:02d}/unit{i % 150:03d}/file{i:04d}.txt": text(i, 500 + i * 37 % 4000) for i in range(SOURCES)}


def c_files():
    files = {f"c/include/h{i}.h": f"#ifndef H{i}\n#define H{i}\nstruct s{i} {{ int a[{i + 1}]; }};\nextern int use{i}(struct s{i} *);\n#endif\n"
             for i in range(HEADERS)}
    for i in range(C_FILES):
        includes = "".join(f'#include "h{(i + j) % HEADERS}.h"\n' for j in range(C_INCLUDES))
        bodies = "".join(f"static int g{k}(int x) {{ for (int i = 0; i < x; i++) x ^= i * {k + 3}; return x; }}\n" for k in range(20))
        files[f"c/f{i}.c"] = f"#include <stdio.h>\n#include <string.h>\n{includes}{bodies}int f{i}(void) {{ return g1(0) + {i}; }}\n"
    calls = " + ".join(f"f{i}()" for i in range(C_FILES))
    files["c/main.c"] = ("#include <stdio.h>\n" + "".join(f"int f{i}(void);\n" for i in range(C_FILES)) +
                         f'int main(void) {{ printf("%d\\n", {calls}); return 0; }}\n')
    files["c/Makefile"] = ("CC = cc\nCFLAGS = -O1 -Iinclude\nOBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))\n"
                           "all: $(OBJECTS)\n\t$(CC) -o all $(OBJECTS)\n$(OBJECTS): $(wildcard include/*.h)\n")
    return files


def stdlib_files():
    """{name: content} of Python's own library, without its tests."""
    top, found = sysconfig.get_path("stdlib"), {}
    for path, dirs, names in os.walk(top):
        dirs[:] = sorted(d for d in dirs if not STDLIB_LEFT_OUT.match(d))
        for name in sorted(n for n in names if n.endswith(".py")):
            with open(f"{path}/{name}", "rb") as f:
                found[f"stdlib/{os.path.relpath(f'{path}/{name}', top)}"] = f.read()
    return found


def npm_files():
    """Packages within packages, as npm 2 had them, down to four levels."""
    files, dirs = {}, []
    for i in range(NPM_PACKAGES):
        parent = dirs[i * 7 % len(dirs)] if i % 3 and dirs else ""
        where = f"{parent}node_modules/package-{i:04d}/"
        if where.count("node_modules") < 4:
            dirs.append(where)
        for j in range(NPM_FILES // NPM_PACKAGES):
            name = ["package.json", "index.js", "README.md", "LICENSE"][j] if j < 4 else f"{['lib', 'dist', 'test'][j % 3]}/m{j}.js"
            files[where + name] = text(i * 100 + j, 200 + (i * 31 + j * 977) % 3000).encode()
    return files


def write_tar(path, files):
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(content), 0o644, 1000000000
            tar.addfile(info, io.BytesIO(content))


def make_databases(top):
    try:
        import sqlite3  # pylint: disable=import-outside-toplevel
    except ImportError:
        return
    for mode in ("wal", "delete"):
        path = f"{top}/{PROGRAM_LAYERS - 1}/sqlite/{mode}.db"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, body TEXT)")
        db.executemany("INSERT INTO t VALUES (?, 0, ?)", [(i, text(i, 100)) for i in range(1000)])
        db.commit()
        db.close()


def make_programs(top):
    stdlib = stdlib_files()
    for i, (name, content) in enumerate({**source_files(), **c_files(), **stdlib}.items()):
        put(f"{top}/{i % PROGRAM_LAYERS}/{name}", content)
    os.mkdir(f"{top}/0/app")
    make_databases(top)
    npm = npm_files()
    write_tar(f"{top}/npm.tar", npm)
    expected = {"npm": digest(npm.items()), "npm_files": len(npm), "stdlib": len(stdlib), "sum": str(sum(range(C_FILES)))}
    if find("git"):
        plain = f"{top}/plain"
        for name, content in source_files().items():
            put(f"{plain}/{name}", content)
        for argv in COMMIT:
            run(argv, f"{plain}/src")
        expected["commit"] = run(["git", "rev-parse", "HEAD"], f"{plain}/src").strip()
        shutil.rmtree(plain)
    put(f"{top}/expected.json", json.dumps(expected))


# --- the stack that is read as a whole -----------------------------------------------------------------------------------

TAR_ALL = "tar --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u+rwX,go=rX --format=gnu -cf - ."
# The same tree gives the same stream, whatever order it is listed in.
READ_ALL = TAR_ALL + " --sort=name | cksum"
# In the order in which it is listed: as many bytes, whatever that is.
READ_AS_LISTED = TAR_ALL + " | wc -c"


def make_image(top):
    """Eight layers; one file in eight is in the layer below too, with another content."""
    need("tar", "cksum")
    plain = f"{top}/plain"
    for i in range(IMAGE_FILES):
        r, layer = random.Random(i), i % IMAGE_LAYERS
        name = f"usr/part{i % 60:02d}/dir{i % 600:03d}/file{i:05d}"
        content = r.randbytes(r.randrange(IMAGE_MOST))
        put(f"{top}/{layer}/{name}", content)
        put(f"{plain}/{name}", content)
        if i % 8 == 3 and layer + 1 < IMAGE_LAYERS:
            put(f"{top}/{layer + 1}/{name}", r.randbytes(5000))
    said = {key: run(["sh", "-c", line], plain).strip() for key, line in (("cksum", READ_ALL), ("bytes", READ_AS_LISTED))}
    put(f"{top}/expected.json", json.dumps(dict(said, files=IMAGE_FILES)))
    shutil.rmtree(plain)


# --- the stack that is a root ---------------------------------------------------------------------------------------------


def copy_program(root, program):
    """With the libraries that it is linked with, to the same paths."""
    path = find(program)
    if not path:
        raise Skip(f"{program} isn't installed")
    usr = os.path.realpath(path) if not path.startswith("/usr/") else path
    done = subprocess.run(["ldd", usr], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    for source in [usr] + re.findall(r"(/\S+) \(0x", done.stdout):
        target = f"{root}{os.path.realpath(os.path.dirname(source))}/{os.path.basename(source)}"
        if not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)


def deb_name(kind, i):
    return f"bench-{kind}-{i}"


def deb_files(name, version):
    return {f"usr/share/{name}/d{j % 10}/f{j}": text(f"{name} {version} {j}", 300 + j * 53 % 6000) for j in range(DEB_FILES)}


def make_deb(work, target, name, version):
    shutil.rmtree(work, ignore_errors=True)
    for path, content in deb_files(name, version).items():
        put(f"{work}/{path}", content)
    put(f"{work}/DEBIAN/control", f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: none <none>\nDescription: files\n")
    put(f"{work}/DEBIAN/postinst", f"#!/bin/sh\nset -e\necho {version} > /var/lib/{name}.configured\n")
    os.chmod(f"{work}/DEBIAN/postinst", 0o755)
    run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", work, f"{target}/{name}_{version}_all.deb"])
    shutil.rmtree(work)


def make_base(root):
    """A root file system with what dpkg and, if there is one, apt-get need."""
    for name in ("bin", "sbin", "lib", "lib64"):
        os.makedirs(f"{root}/usr/{name}")
        os.symlink(f"usr/{name}", f"{root}/{name}")
    for program in ROOT_PROGRAMS:
        copy_program(root, program)
    if all(map(find, APT_PROGRAMS)):
        for program in APT_PROGRAMS:
            copy_program(root, program)
    for table in glob.glob("/usr/share/dpkg/*table"):
        os.makedirs(f"{root}/usr/share/dpkg", exist_ok=True)
        shutil.copy(table, f"{root}{table}")
    for name in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/dpkg/dpkg.cfg.d", "tmp", "dev", "var/lib/dpkg/info", "var/lib/dpkg/updates",
                 "var/lib/dpkg/triggers", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt"):
        os.makedirs(f"{root}/{name}")
    for name in ("var/lib/dpkg/status", "var/lib/dpkg/available", "etc/apt/sources.list", "dev/null"):
        put(f"{root}/{name}", "")
    put(f"{root}/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    put(f"{root}/etc/group", "root:x:0:\n")


def make_root(top):
    """The lower layer has packages installed, which the packages in the one above replace; others are new."""
    need("dpkg", "dpkg-deb", "ldd", "chroot")
    root, debs = f"{top}/1", f"{top}/0/debs"
    make_base(root)
    os.makedirs(f"{root}/debs")
    os.makedirs(debs)
    new, upgraded = {}, {}
    for i in range(DEBS):
        make_deb(f"{top}/work", debs, deb_name("new", i), 1)
        make_deb(f"{top}/work", debs, deb_name("old", i), 2)
        make_deb(f"{top}/work", f"{root}/debs", deb_name("old", i), 1)
        new.update(deb_files(deb_name("new", i), 1))
        upgraded.update(deb_files(deb_name("old", i), 2))
    try:
        run(["chroot", root, "/bin/sh", "-c", "dpkg -i /debs/*_1_all.deb"])
    except RuntimeError as e:
        raise Skip(f"dpkg doesn't run in a root file system made of this machine's programs: {e}") from e
    shutil.rmtree(f"{root}/debs")

    def digest_below_share(files):
        return digest((name[len("usr/share/"):], content.encode()) for name, content in files.items())
    put(f"{top}/expected.json", json.dumps({"new": digest_below_share(new), "old": digest_below_share(upgraded)}))


def make_engine(top):
    """An image of two layers with 26,000 entries, and a third that changes some files."""
    os.mkdir(f"{top}/l")
    for i, link in enumerate(ENGINE_LINKS):
        os.symlink(f"../{i}", f"{top}/{link}")
    names = [f"a{i // 100}/d{i}" for i in range(ENGINE_DIRS)]
    for i, name in enumerate(names):
        for j in range(ENGINE_FILES):
            put(f"{top}/{2 if i % 3 else 1}/{name}/f{j}", b"x" * 200)
    for name in names[::ENGINE_DIRS // ENGINE_CHANGED][:ENGINE_CHANGED]:
        put(f"{top}/0/{name}/f1", b"new")
    entries = len({name.split("/")[0] for name in names}) + ENGINE_DIRS * (1 + ENGINE_FILES)
    put(f"{top}/expected.json", json.dumps({"entries": 2 * entries}))
