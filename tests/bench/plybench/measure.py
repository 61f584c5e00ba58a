# SPDX-License-Identifier: Apache-2.0
"""Rounds: every group of rows on a fresh mount of each system, one system after the other."""
import fnmatch
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from . import stacks
from .inputs import Skip
from .layers import make_lists
from .rows import COLD, GROUPS
from .systems import Figures


def drop_caches():
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
            f.write("3")
    except OSError as e:
        raise Skip(f"the kernel's caches can't be dropped: {e.strerror}") from e


class Spinners:
    """With --busy two processes a processor that do nothing but run. Each has a session of its own, as the jobs of a busy machine have: Linux
    gives a session its share of the processors."""

    def __init__(self, args):
        count = 2 * len(os.sched_getaffinity(0)) if args.busy else 0
        self.processes = [subprocess.Popen([args.workload, "spin"], start_new_session=True) for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in self.processes:
            p.kill()
            p.wait()


class Bench:
    def __init__(self, args, work):
        self.args, self.work, self.point = args, work, f"{work}/m"
        os.makedirs(self.point)
        os.makedirs(args.dir, exist_ok=True)
        self.paths = make_lists(work, self.point)
        self.samples = {}  # row -> system -> [nanoseconds an operation]
        self.cpu = {}      # row -> system -> [(nanoseconds of the processor an operation in the daemon, in the callers)]
        self.rss = {}      # system -> group -> KiB
        self.skipped = {}  # row -> why no system can be measured
        self.failed = {}   # row -> system -> why it has no figure
        self.stacks = {}   # name -> stack, or why it can't be made
        self.stack = None  # that of the group that runs
        self.once = itertools.count(time.time_ns())

    def wants(self, row):
        return row is not None and any(fnmatch.fnmatch(row, p) for p in self.args.rows)

    def workload(self, system, name, arguments):
        """Nanoseconds of the clock, of the callers' processor time, and operations."""
        names = dict(self.paths, once=f"-{next(self.once)}")
        # A session of its own, as the daemon has: see Spinners.
        done = subprocess.run([self.args.workload, name] + [a.format(**names) for a in arguments], start_new_session=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, preexec_fn=system.bind)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        wall, cpu, count = map(int, done.stdout.split())
        return wall, cpu, max(count, 1)

    def measure(self, system, what, arguments):
        """Figures, or None: it can have none."""
        if callable(what):
            return what(self, system)
        before = system.cpu_ns()
        wall, cpu, count = self.workload(system, what, arguments)
        return Figures(wall, cpu, system.cpu_ns() - before, count)

    def get_stack(self, name):
        """Raises Skip, each time."""
        if name not in self.stacks:
            try:
                made = stacks.get_stack(self.args.dir, name)
                self.stacks[name] = stacks.read_only(made, f"{self.work}/{name}")
                stacks.warm(self.stacks[name])
            except Skip as e:
                self.stacks[name] = e
        if isinstance(self.stacks[name], Skip):
            raise self.stacks[name]
        return self.stacks[name]

    def fail(self, system, where, rows, error):
        print(f"bench: {system.name}: {where}: {error}", file=sys.stderr)
        for row in rows:
            self.failed.setdefault(row, {})[system.name] = str(error)

    def run_group(self, system, group):
        rows = [step[0] for step in group["steps"] if self.wants(step[0])]
        if not rows:
            return
        try:
            self.stack = self.get_stack(group["stack"])
        except Skip as e:
            self.skipped.update((row, str(e)) for row in rows)
            return
        upper = tempfile.mkdtemp(dir=self.args.dir if group.get("disk") else self.work)
        for d in "uw":
            os.mkdir(f"{upper}/{d}")
        try:
            system.mount(self.stack, upper, self.point, group.get("options"), group.get("descriptors"))
            try:
                self.run_steps(system, group)
            finally:
                system.umount(self.point)
        except RuntimeError as e:
            self.fail(system, group["name"], rows, e)
        shutil.rmtree(upper)
        if group.get("disk"):
            os.sync()

    def add(self, row, name, figures):
        self.samples.setdefault(row, {}).setdefault(name, []).append(statistics.median(f.wall / f.count for f in figures))
        if figures[0].caller is not None:
            self.cpu.setdefault(row, {}).setdefault(name, []).append(
                tuple(statistics.median(part(f) / f.count for f in figures) for part in (lambda f: f.daemon, lambda f: f.caller)))

    def run_steps(self, system, group):
        for row, what, arguments, repeat in group["steps"]:
            try:
                if row in COLD:
                    drop_caches()
                figures = [self.measure(system, what, arguments) for _ in range(repeat)]
            except Skip as e:
                self.skipped[row] = str(e)
                continue
            except (RuntimeError, OSError) as e:
                self.fail(system, row or what, [row] if row else [], e)
                continue
            if row and None not in figures:
                self.add(row, system.name, figures)
        if system.rss_kib():
            rss = self.rss.setdefault(system.name, {})
            rss[group["name"]] = max(rss.get(group["name"], 0), system.rss_kib())

    def run(self, systems, rounds):
        for _ in range(rounds):
            for group in GROUPS:
                for system in systems:
                    self.run_group(system, group)
