# SPDX-License-Identifier: Apache-2.0
"""The union file systems that are compared: how each is mounted, unmounted and found as a process."""
import collections
import os
import resource
import shutil
import signal
import subprocess
import sys
import time


class BenchError(Exception):
    """One line for the user."""


# What a step took: nanoseconds of the clock, and of the processor in the callers and in the daemon, for so many operations. Rows that aren't
# about time have no processor time.
Figures = collections.namedtuple("Figures", "wall caller daemon count")


class System:
    """One union file system: how to mount it, and its daemon while it is mounted."""

    def __init__(self, name, argv, bound=False, is_peer=False):
        """argv(stack, upper, point, options): the command that mounts; bound: to one processor, with its callers."""
        self.name, self.argv, self.bound, self.is_peer, self.daemon = name, argv, bound, is_peer, None
        self.mount_ns = None  # of the clock, for the last mount

    def mount(self, stack, upper, point, options, descriptors=None):
        """upper: None for a read-only mount, which not all have; descriptors: as many as the daemon may have."""
        def limit():
            self.bind()
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        argv = self.argv(stack, upper, point, options)
        start = time.monotonic_ns()
        # The old system call takes a string of a page, fsconfig(2) one of 256 bytes.
        done = subprocess.run(argv, cwd=stack["dir"], check=False, preexec_fn=limit, env=dict(os.environ, LIBMOUNT_FORCE_MOUNT2="always"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.mount_ns = time.monotonic_ns() - start
        if done.returncode:
            said = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
            raise RuntimeError(f"can't mount it: {said}")
        self.daemon = None if self.name == "kernel" else find_daemon(f"{upper}/u" if upper else point)

    def bind(self):
        """In a process that is about to become a daemon of this system, or a caller."""
        if self.bound:
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    def umount(self, point):
        """A daemon that can't be unmounted, for want of descriptors, or doesn't end is killed."""
        for _ in range(100):
            if subprocess.run(["umount", point], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                break
            time.sleep(0.05)
        else:
            self.give_up(point, f"can't unmount {point}")
        for _ in range(2000):
            if self.daemon is None or not daemon_lives(self.daemon):
                return
            time.sleep(0.01)
        self.give_up(point, f"process {self.daemon} goes on after the unmount")

    def give_up(self, point, what):
        subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL, check=False)
        if self.daemon is not None and daemon_lives(self.daemon):
            os.kill(self.daemon, signal.SIGKILL)
        if os.path.ismount(point):
            raise BenchError(f"{self.name}: {what}")
        raise RuntimeError(what)

    def cpu_ns(self):
        """Processor time of the daemon, of all its threads, those that have ended too."""
        # As clock_getcpuclockid(3) makes it (linux/posix-timers.h).
        return time.clock_gettime_ns(~self.daemon << 3 | 2) if self.daemon else 0

    def rss_kib(self):
        """Resident memory of the daemon, in KiB."""
        if self.daemon is None:
            return None
        with open(f"/proc/{self.daemon}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))

    def descriptors(self):
        """How many the daemon may have open."""
        with open(f"/proc/{self.daemon}/limits", encoding="ascii") as f:
            return next(int(line.split()[3]) for line in f if line.startswith("Max open files"))


def find_daemon(path):
    """The process with this path in its command line; none other has it, as it is that of a fresh directory."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if os.fsencode(path) in f.read():
                    return int(pid)
        except OSError:
            continue
    raise RuntimeError(f"no daemon serves {path}")


def daemon_lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def lower_dirs(stack):
    return [f"{stack['dir']}/{i}" for i in range(stack["n"])]


def overlay_like(program):
    def argv(stack, upper, point, options):
        # Relative, as the kernel takes one page of options.
        lower = "lowerdir=" + ":".join(stack.get("lowers") or map(str, range(stack["n"])))
        own = upper and f"upperdir={upper}/u,workdir={upper}/w"
        return program + ["-o", ",".join(filter(None, [lower, own, options])), point]
    return argv


def unionfs(program):
    def argv(stack, upper, point, options):
        branches = ":".join([f"{upper}/u=RW"] + [f"{d}=RO" for d in lower_dirs(stack)])
        return program + ["-o", "cow,allow_other,use_ino,suid,dev", branches, point]
    return argv


def mergerfs(program):
    """It has no copy-up: rows that change a lower file fail, and are left out."""
    def argv(stack, upper, point, options):
        branches = ":".join([f"{upper}/u=RW"] + [f"{d}=RO" for d in lower_dirs(stack)])
        return program + ["-o", "allow_other,cache.files=auto-full,category.create=ff", branches, point]
    return argv


KINDS = {"unionfs": unionfs, "unionfs-fuse": unionfs, "mergerfs": mergerfs}


def peer(spec):
    """A system from [NAME=]PROGRAM, or None where it isn't installed."""
    name, _, program = spec.rpartition("=")
    path = shutil.which(program)
    if not path:
        if name:
            raise BenchError(f"--peers {spec}: {program} can't be run")
        print(f"bench: {program} isn't installed", file=sys.stderr)
        return None
    kind = KINDS.get(os.path.basename(program), overlay_like)
    return System(name or os.path.basename(program), kind([path]))


def plyfs(spec):
    """A system from [NAME=]PATH[,OPTIONS]."""
    path, _, options = spec.partition(",")
    name, _, path = path.rpartition("=")
    if not os.access(path, os.X_OK):
        raise BenchError(f"--plyfs {spec}: {path} can't be run")
    return System(name or "plyfs", overlay_like([os.path.realpath(path)] + (["-o", options] if options else [])))


def all_systems(plyfs_specs, peer_specs, bound):
    """bound: each plyfs a second time, with its callers on one processor."""
    own = [plyfs(spec) for spec in plyfs_specs]
    found = [System("kernel", overlay_like(["mount", "-t", "overlay", "overlay"]))] + own
    found += [System(f"{s.name}, bound", s.argv, True) for s in own if bound]
    found += [s for s in map(peer, peer_specs) if s]
    if len({s.name for s in found}) < len(found):
        raise BenchError("two systems have the same name: write NAME=PROGRAM")
    return found
