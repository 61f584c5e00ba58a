# SPDX-License-Identifier: Apache-2.0
"""The steps that run real programs in the merged tree. Each takes the time of the programs alone and then looks at what they left:
a wrong answer is an error and no figure.

A step is called with the bench, which has the mountpoint and the stack, and the system; it returns Figures, or None where the system can
have none.
"""
import json
import os
import resource
import shutil
import struct
import sys
import time

from .inputs import (APT_PROGRAMS, C_FILES, COMMIT, DEB_FILES, DEBS, ENGINE_LINKS, PROGRAM_LAYERS, READ_ALL, READ_AS_LISTED, SOURCES, Skip, deb_name,
                     digest, find, need, run, tree_files)
from .systems import Figures, System

CHANGED, TRANSACTIONS = 10, 2000


def children_ns():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)


def timed(system, count, argvs, cwd=None):
    """Runs them one after the other; returns (figures, what the last one wrote)."""
    caller, daemon, start = children_ns(), system.cpu_ns(), time.monotonic_ns()
    for argv in argvs:
        said = run(argv, cwd, system.bind)
    wall = time.monotonic_ns() - start
    return Figures(wall, children_ns() - caller, system.cpu_ns() - daemon, count), said


def expected(bench):
    with open(f"{bench.stack['dir']}/expected.json", encoding="ascii") as f:
        return json.load(f)


def check(what, found, wanted):
    if found != wanted:
        raise RuntimeError(f"wrong: {what} is {str(found)[:80]!r} and not {str(wanted)[:80]!r}")


# --- git ----------------------------------------------------------------------------------------------------------------


def git_commit(bench, system):
    need("git")
    figures, _ = timed(system, SOURCES, COMMIT, f"{bench.point}/src")
    check("the commit", run(["git", "rev-parse", "HEAD"], f"{bench.point}/src").strip(), expected(bench)["commit"])
    return figures


def git_status(bench, system):
    need("git")
    names = sorted(os.listdir(f"{bench.point}/src/part00/unit000"))[:CHANGED]
    for name in names:
        with open(f"{bench.point}/src/part00/unit000/{name}", "a", encoding="ascii") as f:
            f.write("changed\n")
    figures, said = timed(system, SOURCES, [["git", "status", "--porcelain"]], f"{bench.point}/src")
    check("git status", said, "".join(f" M part00/unit000/{n}\n" for n in names))
    return figures


def git_clone(bench, system):
    need("git")
    figures, _ = timed(system, SOURCES, [["git", "clone", "-q", "src", "clone"]], bench.point)
    check("the clone's commit", run(["git", "rev-parse", "HEAD"], f"{bench.point}/clone").strip(), expected(bench)["commit"])
    check("the clone's status", run(["git", "status", "--porcelain"], f"{bench.point}/clone"), "")
    return figures


# --- compilers ------------------------------------------------------------------------------------------------------------


def c_build(bench, system):
    need("make", "cc")
    top = f"{bench.point}/c"
    figures, _ = timed(system, C_FILES + 1, [["make", "-j2", "-s"]], top)
    check("what the program says", run(["./all"], top).strip(), expected(bench)["sum"])
    check("the number of objects", sum(n.endswith(".o") for n in os.listdir(top)), C_FILES + 1)
    run(["make", "-q"], top)
    return figures


COMPILE = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "timestamp", "."]


def compile_all(bench, system):
    top, tag = f"{bench.point}/stdlib", sys.implementation.cache_tag
    figures, _ = timed(system, expected(bench)["stdlib"], [COMPILE], top)
    found = 0
    for path, _, names in os.walk(top):
        for name in names:
            if name.endswith(".py"):
                found += 1
                check_compiled(f"{path}/{name}", f"{path}/__pycache__/{name[:-3]}.{tag}.pyc")
    check("the number of sources", found, expected(bench)["stdlib"])
    return figures


def check_compiled(source, compiled):
    """It says which source it is of: time and size (PEP 552)."""
    st = os.stat(source)
    with open(compiled, "rb") as f:
        head = f.read(16)
    check(compiled, struct.unpack("<III", head[4:]), (0, int(st.st_mtime) & 0xffffffff, st.st_size))


# --- many small files -------------------------------------------------------------------------------------------------------


def npm_unpack(bench, system):
    need("tar")
    want = expected(bench)
    figures, _ = timed(system, want["npm_files"], [["tar", "-xf", f"{bench.stack['dir']}/npm.tar"]], f"{bench.point}/app")
    check("the digest of the unpacked files", digest(tree_files(f"{bench.point}/app")), want["npm"])
    return figures


def npm_remove(bench, system):
    figures, _ = timed(system, expected(bench)["npm_files"], [["rm", "-rf", f"{bench.point}/app/node_modules"]])
    check("what is left", os.listdir(f"{bench.point}/app"), [])
    return figures


def lower_remove(bench, system):
    figures, _ = timed(system, SOURCES, [["rm", "-rf", f"{bench.point}/src"]])
    check("src's being there", os.path.exists(f"{bench.point}/src"), False)
    check("src's being in the layers", [os.path.exists(f"{bench.stack['dir']}/{i}/src") for i in range(PROGRAM_LAYERS)], [True] * PROGRAM_LAYERS)
    return figures


def read_all(bench, system):
    want = expected(bench)
    figures, said = timed(system, want["files"], [["sh", "-c", READ_ALL]], bench.point)
    check("the sum of the stream", said.strip(), want["cksum"])
    return figures


def read_as_listed(bench, system):
    want = expected(bench)
    figures, said = timed(system, want["files"], [["sh", "-c", READ_AS_LISTED]], bench.point)
    check("the length of the stream", said.strip(), want["bytes"])
    return figures


# --- databases ------------------------------------------------------------------------------------------------------------------

TRANSACT = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
assert db.execute("PRAGMA journal_mode=" + sys.argv[2]).fetchone()[0] == sys.argv[2]
for i in range(int(sys.argv[3])):
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE t SET n = n + 1 WHERE id = ?", (i % 1000,))
    db.execute("INSERT INTO t (n, body) VALUES (?, ?)", (i, "inserted"))
    db.execute("COMMIT")
"""


def sqlite(mode):
    def step(bench, system):
        try:
            import sqlite3  # pylint: disable=import-outside-toplevel
        except ImportError as e:
            raise Skip("this Python has no sqlite3") from e
        path = f"{bench.point}/sqlite/{mode}.db"
        figures, _ = timed(system, TRANSACTIONS, [[sys.executable, "-c", TRANSACT, path, mode, str(TRANSACTIONS)]])
        db = sqlite3.connect(path)
        try:
            check("the number of rows", db.execute("SELECT count(*) FROM t").fetchone()[0], 1000 + TRANSACTIONS)
            check("the sum of updates", db.execute("SELECT sum(n) FROM t WHERE id < 1000").fetchone()[0], TRANSACTIONS)
            check("the database", db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        finally:
            db.close()
        return figures
    return step


# --- packages ---------------------------------------------------------------------------------------------------------------------


APT_GET = "apt-get -y -q -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 install"


def install(command, kind, version):
    """command: of a shell in the root, before the names of the packages."""
    def step(bench, system):
        if command.startswith("apt-get"):
            missing = [p for p in APT_PROGRAMS if not find(p)]
            if missing:
                raise Skip(f"{missing[0]} isn't installed")
        names = [deb_name(kind, i) for i in range(DEBS)]
        line = f"{command} {' '.join(f'/debs/{n}_{version}_all.deb' for n in names)}"
        figures, _ = timed(system, DEBS * DEB_FILES, [["chroot", bench.point, "/bin/sh", "-c", line]])
        share = f"{bench.point}/usr/share"
        files = ((f"{n}/{path}", content) for n in names for path, content in tree_files(f"{share}/{n}"))
        check("the digest of the installed files", digest(files), expected(bench)[kind])
        query = ["chroot", bench.point, "/usr/bin/dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n"]
        check("dpkg's status", run(query + names), "".join(f"{n} {version} install ok installed\n" for n in names))
        for n in names:
            with open(f"{bench.point}/var/lib/{n}.configured", encoding="ascii") as f:
                check(f"{n}'s script", f.read(), f"{version}\n")
        return figures
    return step


# --- container engines ------------------------------------------------------------------------------------------------------------


def engine_diff(bench, system):
    """An image's layer and its parent, through two fresh read-only mounts, as podman compares them for diff and commit."""
    return compare(bench, system, [(ENGINE_LINKS[1:], None), (ENGINE_LINKS, None)])


def container_diff(bench, system):
    """A container and its image; podman mounts a container's own layer writable, for this too."""
    upper = f"{bench.work}/container"
    for part in ("u", "w"):
        os.makedirs(f"{upper}/{part}")
    try:
        return compare(bench, system, [(ENGINE_LINKS, None), (ENGINE_LINKS, upper)])
    finally:
        shutil.rmtree(upper)


def compare(bench, system, sides):
    """Two fresh mounts, of the (links of layers, upper) of each."""
    if system.name in ("unionfs", "unionfs-fuse", "mergerfs"):
        raise RuntimeError("no program for engines")
    points = [f"{bench.work}/parent", f"{bench.work}/child"]
    mounted = []
    try:
        for (links, upper), point in zip(sides, points):
            os.makedirs(point, exist_ok=True)
            side = System(system.name, system.argv, system.bound)
            side.mount(dict(bench.stack, lowers=links), upper, point, None)
            mounted.append((side, point))
        before = sum(side.cpu_ns() for side, _ in mounted)
        wall, cpu, count = bench.workload(system, "compare", points)
        check("the number of entries", count, expected(bench)["entries"])
        return Figures(wall, cpu, sum(side.cpu_ns() for side, _ in mounted) - before, count)
    finally:
        for side, point in mounted:
            side.umount(point)
