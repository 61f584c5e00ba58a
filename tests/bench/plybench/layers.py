# SPDX-License-Identifier: Apache-2.0
"""What is mounted: the layers, and the lists of paths that workloads go through."""
import os
import shutil

LAYERS, DIRS, FILES, BIG_DIR, BIG_FILE_MIB = 8, 400, 40000, 10000, 256
MANY, MISSING, SAMPLE, MUTATED = 128, 20000, 20000, 4000
SPREAD_DIRS, SPREAD_FILES = 500, 10000
HUGE_LAYERS, HUGE_DIRS, HUGE_FILES, HUGE_FIRST, HUGE_FULL = 2, 200, 1000, 10, 2000


def write_file(path, size):
    with open(path, "wb") as f:
        f.write(b"x" * size)


def file_names():
    """All small files of the stack few."""
    return [f"d{i % DIRS:03d}/f{i:05d}" for i in range(FILES)]


def make_layers(top):
    """The stacks few and many below `top`, made once."""
    if os.path.exists(f"{top}/complete"):
        return
    for name in ("few", "many"):
        shutil.rmtree(f"{top}/{name}", ignore_errors=True)
    for layer in range(MANY):
        for d in range(DIRS if layer < LAYERS else 0):
            os.makedirs(f"{top}/few/{layer}/d{d:03d}")
        for d in range(0, DIRS, 10):
            os.makedirs(f"{top}/many/{layer}/d{d:03d}")
        write_file(f"{top}/many/{layer}/d000/only-{layer}", 100)
    for i, name in enumerate(file_names()):
        write_file(f"{top}/few/{(i // DIRS) % LAYERS}/{name}", 1000 + i % 3000)
    for i in range(LAYERS):
        os.mkdir(f"{top}/few/{i}/big")
    for i in range(BIG_DIR):
        write_file(f"{top}/few/{i % LAYERS}/big/name-{i:05d}", 0)
    with open(f"{top}/few/3/large", "wb") as f:
        for _ in range(BIG_FILE_MIB):
            f.write(os.urandom(1 << 20))
    write_file(f"{top}/complete", 0)
    os.sync()


def spread_names():
    return [f"d{i % SPREAD_DIRS}/f{i:05d}" for i in range(SPREAD_FILES)]


def make_spread(top, count):
    """The same tree over `count` layers: each directory is in one of them, and the root in all."""
    for d in range(SPREAD_DIRS):
        os.makedirs(f"{top}/{d % count}/d{d}")
    for i, name in enumerate(spread_names()):
        write_file(f"{top}/{i % SPREAD_DIRS % count}/{name}", 0)


def huge_name(i):
    """Directory a has the first files, b the others."""
    d = i // HUGE_FILES
    return f"{'a' if d < HUGE_FIRST else 'b'}/d{d:03d}/f{i:06d}"


def make_huge(top):
    """200,000 files in two layers; the last HUGE_FULL have their name as content, the others nothing."""
    for layer in range(HUGE_LAYERS):
        for d in range(HUGE_DIRS):
            os.makedirs(os.path.dirname(f"{top}/{layer}/{huge_name(d * HUGE_FILES)}"))
    count = HUGE_DIRS * HUGE_FILES
    for i in range(count):
        with open(f"{top}/{i % HUGE_LAYERS}/{huge_name(i)}", "w", encoding="ascii") as f:
            f.write(huge_name(i) if i >= count - HUGE_FULL else "")


def make_lists(work, point):
    """The files with a path a line that workloads read; {name: path}."""
    files = file_names()
    lists = {
        "files": files,
        "sample": files[::2][:SAMPLE],
        "missing": [f"d{i % DIRS:03d}/no-{i}" for i in range(MISSING)],
        "missing_many": [f"d{i * 10 % DIRS:03d}/no-{i}" for i in range(MISSING)],
        "spread": spread_names(),
        "missing_spread": [f"{n}.no" for n in spread_names()],
        "newdir": ["new"],
        "new": [f"new/n{i}" for i in range(MUTATED)],
        "renamed": [f"new/n{i}.renamed" for i in range(MUTATED)],
        "newdirs": [f"new/d{i}" for i in range(MUTATED)],
    }
    lists.update((f"part{i}", files[i * MUTATED:(i + 1) * MUTATED]) for i in range(3))
    paths = {"m": point}
    for name, names in lists.items():
        paths[name] = f"{work}/{name}.list"
        with open(paths[name], "w", encoding="ascii") as f:
            f.writelines(f"{point}/{n}\n" for n in names)
    return paths
