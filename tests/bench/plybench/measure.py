# SPDX-License-Identifier: Apache-2.0
"""Rounds: every group of rows on a fresh mount of each system, one system after the other."""
import fnmatch
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from .layers import LAYERS, MANY, make_layers, make_lists
from .rows import GROUPS


class Bench:
    def __init__(self, args, work):
        self.args, self.work, self.point = args, work, f"{work}/m"
        os.makedirs(self.point)
        self.paths = make_lists(work, self.point, make_layers(args.dir))
        self.samples = {}  # row -> system -> [nanoseconds an operation]
        self.rss = {}      # system -> group -> KiB

    def wants(self, row):
        return row is not None and any(fnmatch.fnmatch(row, p) for p in self.args.rows)

    def workload(self, name, arguments):
        done = subprocess.run([self.args.workload, name] + [a.format(**self.paths) for a in arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        ns, cpu, count = map(int, done.stdout.split())
        return ns / max(count, 1), cpu, max(count, 1)

    def measure(self, system, name, arguments):
        """Nanoseconds an operation: of the clock, or of the processor in the workload and the daemon together."""
        before = system.cpu_ns()
        wall, cpu, count = self.workload(name, arguments)
        return (cpu + system.cpu_ns() - before) / count if self.args.cpu else wall

    def run_group(self, system, group):
        if not any(self.wants(step[0]) for step in group["steps"]):
            return
        upper = tempfile.mkdtemp(dir=self.args.dir if group.get("disk") else self.work)
        for d in "uw":
            os.mkdir(f"{upper}/{d}")
        count = LAYERS if group["stack"] == "few" else MANY
        stack = {"n": count, "dir": f"{os.path.realpath(self.args.dir)}/{group['stack']}"}
        try:
            system.mount(stack, upper, self.point, group.get("options"))
            try:
                self.run_steps(system, group)
            finally:
                system.umount(self.point)
        except RuntimeError as e:
            print(f"bench: {system.name}: {group['name']}: {e}", file=sys.stderr)
        shutil.rmtree(upper)
        if group.get("disk"):
            os.sync()

    def run_steps(self, system, group):
        for row, name, arguments, repeat in group["steps"]:
            try:
                times = [self.measure(system, name, arguments) for _ in range(repeat)]
            except RuntimeError as e:
                print(f"bench: {system.name}: {row or name}: {e}", file=sys.stderr)
                continue
            if row:
                self.samples.setdefault(row, {}).setdefault(system.name, []).append(statistics.median(times))
        if system.rss_kib():
            rss = self.rss.setdefault(system.name, {})
            rss[group["name"]] = max(rss.get(group["name"], 0), system.rss_kib())

    def run(self, systems, rounds):
        for _ in range(rounds):
            for group in GROUPS:
                for system in systems:
                    self.run_group(system, group)
