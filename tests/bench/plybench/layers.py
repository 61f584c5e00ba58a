# SPDX-License-Identifier: Apache-2.0
"""What is mounted: the layers, and the lists of paths that workloads go through."""
import os
import shutil

LAYERS, DIRS, FILES, BIG_DIR, BIG_FILE_MIB = 8, 400, 40000, 10000, 256
MANY, MISSING, SAMPLE, MUTATED = 128, 20000, 20000, 4000


def write_file(path, size):
    with open(path, "wb") as f:
        f.write(b"x" * size)


def make_layers(top):
    """The layers below `top`, made once; returns the paths of all small files."""
    files = [f"d{i % DIRS:03d}/f{i:05d}" for i in range(FILES)]
    if os.path.exists(f"{top}/complete"):
        return files
    shutil.rmtree(top, ignore_errors=True)
    for layer in range(MANY):
        for d in range(DIRS if layer < LAYERS else 0):
            os.makedirs(f"{top}/few/{layer}/d{d:03d}")
        for d in range(0, DIRS, 10):
            os.makedirs(f"{top}/many/{layer}/d{d:03d}")
        write_file(f"{top}/many/{layer}/d000/only-{layer}", 100)
    for i, name in enumerate(files):
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
    return files


def make_lists(work, point, files):
    """The files with a path a line that workloads read; {name: path}."""
    lists = {
        "files": files,
        "sample": files[::2][:SAMPLE],
        "missing": [f"d{i % DIRS:03d}/no-{i}" for i in range(MISSING)],
        "missing_many": [f"d{i * 10 % DIRS:03d}/no-{i}" for i in range(MISSING)],
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
