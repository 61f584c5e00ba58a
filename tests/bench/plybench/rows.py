# SPDX-License-Identifier: Apache-2.0
"""The rows: what is measured, in groups that share a mount; and the goals."""

from . import memory, programs
from .stacks import SIZES, numbered, over

# A group is measured on one fresh mount. Steps: (row, or None for what only prepares; workload, or a function of programs.py or memory.py;
# arguments; repeat). {name} in an argument is one of the lists that layers.py makes, or the mountpoint; {once} is never the same twice.
GROUPS = [
    {"name": "stat", "stack": "few", "steps": [
        ("cold recursive stat", "statwalk", ["{m}"], 1),
        ("warm recursive stat", "statwalk", ["{m}"], 3),
        ("stat of known names, warm", "stat", ["{files}"], 3),
        ("stat of missing names, 8 layers", "stat-missing", ["{missing}", "{once}"], 1),
    ]},
    {"name": "list", "stack": "few", "steps": [
        ("cold recursive listing", "listwalk", ["{m}"], 1),
        (None, "listwalk", ["{m}/big"], 1),
        ("list 10,000 names, warm", "listwalk", ["{m}/big"], 5),
    ]},
    {"name": "missing", "stack": "few", "steps": [
        ("stat of missing names, 8 layers, first use", "stat-missing", ["{missing}", "{once}"], 1),
    ]},
    {"name": "many", "stack": "many", "steps": [
        ("stat of missing names, 128 layers", "stat-missing", ["{missing_many}", "{once}"], 1),
    ]},
    {"name": "open", "stack": "few", "steps": [
        ("open+read+close, cold", "open-read", ["{sample}"], 1),
        ("open+read+close, warm", "open-read", ["{sample}"], 3),
        ("open+close, warm", "open-close", ["{sample}"], 3),
    ]},
    {"name": "fresh-stat", "stack": "few", "steps": [("recursive stat, fresh mount", "statwalk", ["{m}"], 1)]},
    {"name": "fresh-list", "stack": "few", "steps": [("recursive listing, fresh mount", "listwalk", ["{m}"], 1)]},
    {"name": "fresh-open", "stack": "few", "steps": [("open+read+close, fresh mount", "open-read", ["{sample}"], 1)]},
    {"name": "names", "stack": "few", "steps": [
        (None, "mkdir", ["{newdir}"], 1),
        ("create 4 KiB", "create", ["{new}"], 1),
        ("rename of upper files", "rename", ["{new}"], 1),
        ("unlink of upper files", "unlink", ["{renamed}"], 1),
        ("unlink of lower files", "unlink", ["{part0}"], 1),
        ("chmod of lower files", "chmod", ["{part1}"], 1),
        ("append to lower files", "append", ["{part2}"], 1),
        ("mkdir", "mkdir", ["{newdirs}"], 1),
    ]},
    {"name": "callers", "stack": "few", "steps": [
        ("8 callers: missing names", "callers", ["8", "stat-missing", "{missing}", "{once}"], 1),
        (None, "mkdir", ["{newdir}"], 1),
        ("8 callers: create 4 KiB", "callers", ["8", "create", "{new}"], 1),
        ("8 callers: append to lower files", "callers", ["8", "append", "{part2}"], 1),
    ]},
    {"name": "callers-open", "stack": "few", "steps": [
        ("8 callers: open+read+close, fresh mount", "callers", ["8", "open-read", "{sample}"], 1),
    ]},
    {"name": "first-write", "stack": "few", "disk": True, "steps": [
        ("first write to 256 MiB", "first-write", ["{m}/large"], 1),
    ]},
    {"name": "first-write-volatile", "stack": "few", "disk": True, "options": "volatile", "steps": [
        ("first write to 256 MiB, volatile", "first-write", ["{m}/large"], 1),
    ]},
    {"name": "data", "stack": "few", "disk": True, "steps": [
        ("sequential read, cold", "read", ["{m}/large"], 1),
        ("sequential read, warm", "read", ["{m}/large"], 3),
        ("mmap read, warm", "mmap-read", ["{m}/large"], 3),
        ("random read 4 KiB, warm", "random-read", ["{m}/large", "50000"], 3),
        ("sequential write + fsync", "write-fsync", ["{m}/written", "256"], 3),
        ("random write 4 KiB", "random-write", ["{m}/written", "20000"], 3),
    ]},
    {"name": "fresh-data", "stack": "few", "disk": True, "steps": [("sequential read, fresh mount", "read", ["{m}/large"], 1)]},
]

# Real programs.
GROUPS += [
    {"name": "git", "stack": "programs", "steps": [
        ("git init, add, commit", programs.git_commit, [], 1),
        ("git clone", programs.git_clone, [], 1),
        ("git status", programs.git_status, [], 3),
    ]},
    {"name": "build", "stack": "programs", "steps": [
        ("C build: make -j2", programs.c_build, [], 1),
    ]},
    {"name": "compileall", "stack": "programs", "steps": [
        ("python3 -m compileall", programs.compile_all, [], 1),
    ]},
    {"name": "npm", "stack": "programs", "steps": [
        ("npm: tar -x of 10,000 files", programs.npm_unpack, [], 1),
        ("npm: rm -rf of them", programs.npm_remove, [], 1),
        ("rm -rf of 3,000 lower files", programs.lower_remove, [], 1),
    ]},
    {"name": "npm-disk", "stack": "programs", "disk": True, "steps": [
        ("npm: tar -x of 10,000 files, on disk", programs.npm_unpack, [], 1),
        ("npm: rm -rf of them, on disk", programs.npm_remove, [], 1),
    ]},
    {"name": "sqlite", "stack": "programs", "steps": [
        ("sqlite: transactions, delete journal", programs.sqlite("delete"), [], 1),
        ("sqlite: transactions, WAL", programs.sqlite("wal"), [], 1),
    ]},
    {"name": "image", "stack": "image", "steps": [
        ("image of 8 layers: read of all, cold", programs.read_all, [], 1),
        ("image of 8 layers: read of all, warm", programs.read_all, [], 1),
    ]},
    {"name": "image-listed", "stack": "image", "steps": [("image of 8 layers: read as listed, cold", programs.read_as_listed, [], 1)]},
    {"name": "fresh-image", "stack": "image", "steps": [("image of 8 layers: read of all, fresh mount", programs.read_all, [], 1)]},
    {"name": "dpkg", "stack": "root", "steps": [
        ("dpkg -i of new packages", programs.install("dpkg -i", "new", 1), [], 1),
        ("dpkg -i of packages in a lower layer", programs.install("dpkg -i", "old", 2), [], 1),
    ]},
    {"name": "apt-get", "stack": "root", "steps": [
        ("apt-get install of new packages", programs.install(programs.APT_GET, "new", 1), [], 1),
    ]},
]

GROUPS += [
    {"name": "engine", "stack": "engine", "steps": [
        ("engine's diff of two layers", programs.engine_diff, [], 1),
        ("engine's diff of a container", programs.container_diff, [], 1),
    ]},
]

# The same tree over more and more layers; each question is asked for the first time.
for n in SIZES:
    GROUPS += [
        {"name": f"hit {n}", "stack": numbered(n), "steps": [
            (over("hit over", n), "stat", ["{spread}"], 1),
            (over("mount of", n), memory.mount_time, [], 1),
        ]},
        {"name": f"miss {n}", "stack": numbered(n), "steps": [
            (over("miss over", n), "stat-missing", ["{missing_spread}", "{once}"], 1),
        ]},
        {"name": f"walk {n}", "stack": numbered(n), "steps": [(over("walk over", n), "statwalk", ["{m}"], 1)]},
    ]

GROUPS += [
    {"name": "memory", "stack": "huge", "steps": [
        ("memory a walked file, bytes", memory.memory_growth, [], 1),
    ]},
    {"name": "descriptors", "stack": "huge", "descriptors": memory.DESCRIPTORS, "steps": [
        ("100,000 known, 1,024 descriptors: open", memory.few_descriptors, [], 1),
    ]},
]

# Before these the kernel forgets what it has read of files and directories, the layers' too.
COLD = {
    "cold recursive stat", "cold recursive listing", "open+read+close, cold", "sequential read, cold", "image of 8 layers: read of all, cold",
    "image of 8 layers: read as listed, cold",
}

# What is compared with its own figure over one layer, and how many times that it may be.
BY_LAYERS, BY_LAYERS_GOAL = ["hit over", "miss over", "walk over"], 1.2

# What plyfs may have at most, in the unit of the row.
ABSOLUTE_GOALS = {"mount of 500 layers": 0.2e9, "memory a walked file, bytes": 200}

# What plyfs may take at most, as a ratio to kernel overlayfs.
GOALS = {
    "cold recursive stat": 1.0,
    "warm recursive stat": 0.8,
    "cold recursive listing": 1.2,
    "list 10,000 names, warm": 0.35,
    "stat of known names, warm": 0.65,
    "stat of missing names, 8 layers": 0.5,
    "stat of missing names, 128 layers": 0.04,
    "open+read+close, cold": 1.2,
    "open+read+close, warm": 0.6,
    "open+close, warm": 0.5,
    "create 4 KiB": 4,
    "unlink of upper files": 3,
    "rename of upper files": 4,
    "unlink of lower files": 2.5,
    "chmod of lower files": 2,
    "append to lower files": 2,
    "first write to 256 MiB": 1.05,
    "first write to 256 MiB, volatile": 1.1,
    "sequential read, cold": 1.3,
    "sequential read, warm": 1.1,
    "mmap read, warm": 1.0,
    "random read 4 KiB, warm": 1.1,
    "sequential write + fsync": 1.3,
    "random write 4 KiB": 2,
    "engine's diff of two layers": 2,
    "engine's diff of a container": 2,
}
