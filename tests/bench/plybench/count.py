# SPDX-License-Identifier: Apache-2.0
"""Counts, exactly, what an operation costs: FUSE requests by kind and system calls of the daemon.

The daemon runs under strace. What it reads from /dev/fuse begins with the request's header (linux/fuse.h), so requests are told by their
opcode. Not counted: what comes when the kernel likes (FORGET, INTERRUPT, RELEASE), reading and answering requests, memory, waiting; nor the
thread that looks at the others at regular times (src/fuse/loop.h).
The layers are small and the same each time, so the figures don't depend on the machine, only on kernel and libfuse.
"""
import collections
import os
import re
import shutil
import subprocess
import sys
import time

from .layers import write_file
from .systems import BenchError

LAYERS, DIRS, FILES = 3, 4, 25  # files in each directory of each layer
N = LAYERS * DIRS * FILES
LARGE, LARGE_MIB = "d0/large", 64
QUIET_S, QUIET_LIMIT_S = 0.2, 10

OPCODES = {1: "LOOKUP", 2: None, 3: "GETATTR", 4: "SETATTR", 5: "READLINK", 6: "SYMLINK", 8: "MKNOD", 9: "MKDIR", 10: "UNLINK",
           11: "RMDIR", 12: "RENAME", 13: "LINK", 14: "OPEN", 15: "READ", 16: "WRITE", 17: "STATFS", 18: None, 20: "FSYNC",
           21: "SETXATTR", 22: "GETXATTR", 23: "LISTXATTR", 25: "FLUSH", 26: "INIT", 27: "OPENDIR", 28: "READDIR",
           29: "RELEASEDIR", 35: "CREATE", 36: None, 38: "DESTROY", 42: None, 44: "READDIRPLUS", 45: "RENAME2", 46: "LSEEK"}
IGNORED = {"read", "writev", "futex", "timerfd_settime", "mmap", "munmap", "mprotect", "madvise", "brk", "restart_syscall", "rt_sigtimedwait",
           "rt_sigprocmask", "set_robust_list", "rseq", "clone3", "clone", "gettid", "prctl", "getpriority", "setpriority", "exit"}
# strace may not know the newest calls by name.
UNNAMED = {"syscall_0x1c4": "fchmodat2", "syscall_0x1cf": "setxattrat", "syscall_0x1d0": "getxattrat",
           "syscall_0x1d1": "listxattrat", "syscall_0x1d2": "removexattrat"}

PACER = "plyfs-pacer"
CALL = re.compile(r"^\d+ +(\w+)\(")
REQUEST = re.compile(r'read(?: resumed>|\(\d+, )"((?:\\x[0-9a-f]{2}){16})')

# For each mount its steps: (row, workload, argument: a list, the mountpoint or the large file; operations).
MOUNTS = [[
    ("cold recursive stat", "statwalk", "m", N),
], [
    ("cold recursive listing", "listwalk", "m", N),
    ("recursive stat after it", "statwalk", "m", N),
    ("recursive stat, warm", "statwalk", "m", N),
    ("stat of missing names", "stat-missing", "missing", N),
    ("stat of the same again", "stat-missing", "missing", N),
    ("open+read+close, first", "open-read", "files", N),
    ("open+read+close, warm", "open-read", "files", N),
    ("sequential read, a MiB", "read", "large", LARGE_MIB),
    ("mkdir", "mkdir", "newdirs", N),
    ("create 4 KiB", "create", "new", N),
    ("rename of upper files", "rename", "new", N),
    ("unlink of upper files", "unlink", "renamed", N),
    ("unlink of lower files", "unlink", "part0", N // 3),
    ("chmod of lower files", "chmod", "part1", N // 3),
    ("append to lower files", "append", "part2", N // 3),
]]


def make_tree(top):
    names = [f"d{d}/l{layer}-{f}" for f in range(FILES) for layer in range(LAYERS) for d in range(DIRS)]
    for layer in range(LAYERS):
        for d in range(DIRS):
            os.makedirs(f"{top}/{layer}/d{d}")
    for name in names:
        write_file(f"{top}/{name.split('/')[1][1]}/{name}", 2000)
    # In the root it would decide, by its place among the directories, if the first of them is listed with attributes.
    write_file(f"{top}/0/{LARGE}", LARGE_MIB << 20)
    os.mkdir(f"{top}/m")
    return names


def make_lists(top, names):
    lists = {"files": names, "missing": [f"{n}.no" for n in names], "newdirs": [f"dir{i}" for i in range(N)],
             "new": [f"dir0/n{i}" for i in range(N)], "renamed": [f"dir0/n{i}.renamed" for i in range(N)]}
    lists.update((f"part{i}", names[i * (N // 3):(i + 1) * (N // 3)]) for i in range(3))
    paths = {"m": f"{top}/m", "large": f"{top}/m/{LARGE}"}
    for key, entries in lists.items():
        paths[key] = f"{top}/{key}.list"
        with open(paths[key], "w", encoding="ascii") as f:
            f.writelines(f"{top}/m/{e}\n" for e in entries)
    return paths


class Traced:
    """A plyfs under strace."""

    def __init__(self, program, top):
        self.log = f"{top}/strace.log"
        self.point = f"{top}/m"
        for d in ("u", "w"):
            shutil.rmtree(f"{top}/{d}", ignore_errors=True)
            os.mkdir(f"{top}/{d}")
        lower = ":".join(f"{top}/{i}" for i in range(LAYERS))
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-xx", "-s", "16", "-o", self.log, program, "-f", "-o",
             f"lowerdir={lower},upperdir={top}/u,workdir={top}/w,volatile", self.point],
            stdin=subprocess.DEVNULL)
        for _ in range(200):
            self.pacer = self.find_pacer() if os.path.ismount(self.point) else None
            if self.pacer:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        raise BenchError(f"--count: {program} didn't mount under strace")

    def find_pacer(self):
        """The beginning of its lines in the log; None until it is there."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            daemon = f.read().split()[0]
        for task in os.listdir(f"/proc/{daemon}/task"):
            with open(f"/proc/{daemon}/task/{task}/comm", encoding="ascii") as f:
                if f.read().strip() == PACER:
                    return f"{task} "
        return None

    def settle(self):
        """Waits until the log doesn't grow any more; returns its length."""
        size, until = -1, time.monotonic() + QUIET_LIMIT_S
        while size != os.path.getsize(self.log) and time.monotonic() < until:
            size = os.path.getsize(self.log)
            time.sleep(QUIET_S)
        return size

    def stop(self):
        subprocess.run(["umount", self.point], check=False)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            # Not SIGTERM: strace may wait then for what comes only after its own end.
            self.process.kill()
            self.process.wait()


def count_lines(lines):
    requests, calls = collections.Counter(), collections.Counter()
    for line in lines:
        request = REQUEST.search(line)
        if request:
            opcode = int.from_bytes(bytes.fromhex(request[1].replace("\\x", ""))[4:8], "little")
            name = OPCODES.get(opcode, f"opcode {opcode}")
            if name:
                requests[name] += 1
        call = CALL.match(line)
        if call and call[1] not in IGNORED:
            calls[UNNAMED.get(call[1], call[1])] += 1
    return requests, calls


def per_operation(counter, operations):
    shown = [f"{name} {count / operations:.2f}" for name, count in sorted(counter.items()) if count / operations >= 0.02]
    return ", ".join(shown) or "none"


def run_steps(args, traced, paths, steps):
    table = []
    for row, workload, argument, operations in steps:
        start = traced.settle()
        subprocess.run([args.workload, workload, paths[argument]], check=True, stdout=subprocess.DEVNULL)
        end = traced.settle()
        with open(traced.log, "rb") as f:
            f.seek(start)
            lines = f.read(end - start).decode("ascii", "replace").splitlines()
        requests, calls = count_lines(line for line in lines if not line.startswith(traced.pacer))
        table += [row, f"    requests: {per_operation(requests, operations)}", f"    calls: {per_operation(calls, operations)}"]
    return table


HEAD = """# What an operation of the benchmark costs: requests of the kernel, system calls of the daemon (tests/bench/README.md).
# Made by `tests/bench/run --count`, checked by the test bench.count. Three layers, {n} files.
"""


def parse(text):
    """{(row, kind, name): count an operation}"""
    figures, row = {}, None
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        if not line.startswith(" "):
            row = line
            continue
        kind, _, items = line.strip().partition(": ")
        for item in items.split(", ") if items != "none" else []:
            name, _, value = item.rpartition(" ")
            figures[row, kind, name] = float(value)
    return figures


def differences(found, wanted, slack=0.05):
    for key in sorted(found.keys() | wanted.keys()):
        a, b = found.get(key, 0), wanted.get(key, 0)
        if abs(a - b) > slack:
            yield f"{key[0]}: {key[1]}: {key[2]}: {a:.2f}, the table says {b:.2f}"


def check(text, path):
    with open(path, encoding="ascii") as f:
        wrong = list(differences(parse(text), parse(f.read())))
    for line in wrong:
        print(line)
    if wrong:
        print(f"{len(wrong)} figures differ; if that is meant, renew {os.path.basename(path)}", file=sys.stderr)
    return 1 if wrong else 0


def run(args, work):
    if len(args.plyfs) != 1:
        raise BenchError("--count takes one --plyfs")
    if subprocess.run(["sh", "-c", "command -v strace"], stdout=subprocess.DEVNULL, check=False).returncode:
        print("skipped: strace isn't installed")
        return 77
    paths = make_lists(work, make_tree(work))
    table = []
    for steps in MOUNTS:
        traced = Traced(os.path.realpath(args.plyfs[0]), work)
        try:
            table += run_steps(args, traced, paths, steps)
        finally:
            traced.stop()
    text = HEAD.format(n=N) + "\n".join(table) + "\n"
    if args.check:
        return check(text, args.check)
    print(text, end="")
    return 0
