# SPDX-License-Identifier: Apache-2.0
"""Rows about the daemon and not about time: memory for each file that it knows, and many files with few descriptors; and how long a
mount took. Each is a step as in programs.py, without processor time; the kernel has no daemon and so no figure.
"""
import errno
import os
import resource

from .layers import HUGE_DIRS, HUGE_FILES, HUGE_FIRST, HUGE_FULL, huge_name
from .systems import Figures

KNOWN, OPEN, MOST, DESCRIPTORS = 100000, 800, 4000, 1024
HUGE = HUGE_DIRS * HUGE_FILES


def mount_time(_, system):
    return Figures(system.mount_ns, None, None, 1)


def memory_growth(bench, system):
    """Bytes a file: growth between 10,000 walked files and 200,000."""
    if system.rss_kib() is None:
        return None
    bench.workload(system, "statwalk", ["{m}/a"])
    before = system.rss_kib()
    bench.workload(system, "statwalk", ["{m}/b"])
    return Figures((system.rss_kib() - before) * 1024, None, None, HUGE - HUGE_FIRST * HUGE_FILES)


def open_more(bench, opened, names):
    """Opens and reads names until there are no more descriptors; adds what was opened."""
    for name in names:
        try:
            fd = os.open(f"{bench.point}/{name}", os.O_RDONLY)
        except OSError as e:
            if e.errno not in (errno.EMFILE, errno.ENFILE):
                raise RuntimeError(f"open with {len(opened)} open: {os.strerror(e.errno)}, and not EMFILE or ENFILE") from e
            return
        opened.append(fd)
        try:
            said = os.pread(fd, 100, 0).decode("ascii")
        except OSError as e:
            raise RuntimeError(f"read with {len(opened)} open: {os.strerror(e.errno)}") from e
        if said != name:
            raise RuntimeError(f"{name} has the content {said!r}")


def few_descriptors(bench, system):
    """100,000 files are known; 800 of others are opened, read and held, and the known ones asked again; then as many more as can be."""
    if system.rss_kib() is None:
        return None
    if system.descriptors() > DESCRIPTORS:
        raise RuntimeError(f"the daemon has raised its limit to {system.descriptors()} descriptors")
    own = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(own[0], min(own[1], MOST + 100)), own[1]))
    opened, full = [], [huge_name(HUGE - HUGE_FULL + i) for i in range(HUGE_FULL)]
    try:
        for i in range(KNOWN):
            os.lstat(f"{bench.point}/{huge_name(i)}")
        open_more(bench, opened, full[:OPEN])
        if len(opened) < OPEN:
            raise RuntimeError(f"wrong: only {len(opened)} files can be open at once with {DESCRIPTORS} descriptors")
        for i in range(0, KNOWN, 10):
            os.lstat(f"{bench.point}/{huge_name(i)}")
        open_more(bench, opened, full[OPEN:])
    finally:
        for fd in opened:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, own)
    again = []
    try:
        open_more(bench, again, full[:10])
    finally:
        for fd in again:
            os.close(fd)
    if len(again) < 10:
        raise RuntimeError("wrong: nothing can be opened after all files were closed")
    return Figures(len(opened), None, None, 1)
