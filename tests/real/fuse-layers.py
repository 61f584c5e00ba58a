# SPDX-License-Identifier: Apache-2.0
# fuse-layers.py make DIR : the content of a layer
# fuse-layers.py change DIR LAYER LIMITS : changes of every kind in DIR; what is seen goes to stdout. LAYER is a FUSE file system that the kernel
#     is made to forget now and then, or "". LIMITS are what DIR's file system can't keep: owner, mode, nanoseconds, attributes, fifo, links (their
#     count), owner-of-symlink; no-links leaves them out.
# fuse-layers.py show DIR LIMITS : what is there
# fuse-layers.py end DIR : removes all of it
# fuse-layers.py sshfs DIR MOUNTPOINT : mounts DIR by sshfs, without a network
import ctypes
import errno
import hashlib
import mmap
import os
import shutil
import socket
import stat
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
MS_REMOUNT = 32


def put(path, text, mode="w"):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, mode) as f:
        f.write(text)


def text_of(path):
    with open(path) as f:
        return f.read()


def make(top):
    os.makedirs(top)
    os.chdir(top)
    for i in range(40):
        put("many/d%d/f%d" % (i % 7, i), "file %d\n" % i * (i + 1))
    put("read", "to be read\n")
    put("write", "to be written\n")
    put("mapped", "m" * 9000)
    put("cut", "c" * 5000)
    put("away/one", "one\n")
    put("away/two", "two\n")
    put("gone/deep/er", "gone\n")
    put("o/old", "old\n")
    put("g", "goes into o\n")
    put("open/unlinked", "unlinked while open\n")
    put("open/replaced", "replaced while open\n")
    put("script", "#!/bin/sh\necho runs\n")
    os.chmod("script", 0o755)
    os.symlink("read", "link")
    os.mkfifo("fifo")
    with open("sparse", "wb") as f:
        f.truncate(3000000)
        f.write(b"head")
    for path, dirs, files in os.walk(".", topdown=False):
        for name in files + dirs:
            os.utime(os.path.join(path, name), (1400000000, 1400000000), follow_symlinks=False)


# --- what is seen ----------------------------------------------------------------------------------------------------

limits = set()
layer = ""


def forget():
    """The kernel forgets what it knows of the layer's file system and nobody uses; nothing else is changed."""
    if layer and libc.mount(None, layer.encode(), None, MS_REMOUNT, None) != 0:
        raise OSError(ctypes.get_errno(), "remount")


def tell(*words):
    print(*words)
    sys.stdout.flush()


def attempt(title, call, *args, **kw):
    try:
        result = call(*args, **kw)
    except OSError as e:
        result = errno.errorcode[e.errno]
    tell(title, "" if result is None else result)


def of_stat(st):
    told = [stat.filemode(st.st_mode)[0]]
    if "mode" not in limits:
        told.append("%o" % stat.S_IMODE(st.st_mode))
    if "owner" not in limits:
        told.append("%d:%d" % (st.st_uid, st.st_gid))
    if not stat.S_ISDIR(st.st_mode):
        told.append(st.st_size)
        if "links" not in limits:
            told.append("links %d" % st.st_nlink)
    return " ".join(map(str, told))


def digest(path):
    with open(path, "rb") as f:
        return hashlib.md5(f.read()).hexdigest()


def show(top):
    os.chdir(top)
    for path, dirs, files in os.walk("."):
        dirs.sort()
        dirs[:] = [d for d in dirs if d != ".git"]
        for name in sorted(files + dirs):
            full = os.path.join(path, name)
            st = os.lstat(full)
            if stat.S_ISLNK(st.st_mode):
                tell(full, "->", os.readlink(full))
            elif stat.S_ISREG(st.st_mode):
                tell(full, of_stat(st), digest(full))
            elif not (stat.S_ISFIFO(st.st_mode) and "fifo" in limits):
                tell(full, of_stat(st))


def names(top="."):
    return sorted(os.path.join(p, n) for p, d, f in os.walk(top) for n in d + f)


# --- the changes -----------------------------------------------------------------------------------------------------


def change_data():
    put("write", "more\n", "a")
    tell(text_of("write"))
    forget()
    put("write", "and more\n", "a")
    forget()
    tell(text_of("write"))
    with open("write", "r+") as f:
        f.seek(3)
        f.write("XX")
    tell(text_of("write"))
    os.truncate("cut", 100)
    forget()
    tell(len(text_of("cut")))
    with open("mapped", "r+b") as f:
        m = mmap.mmap(f.fileno(), 9000)
        tell(m[:4], m[8990:8994])
        m[4096:4100] = b"here"
        m.flush()
        forget()
        tell(m[4094:4102])
        m.close()
    tell(digest("mapped"), digest("sparse"))


def change_meta():
    os.chmod("read", 0o640)
    os.utime("read", ns=(1500000000 * 10**9, 1500000000123456700))
    forget()
    st = os.stat("read")
    tell(of_stat(st), st.st_mtime_ns if "nanoseconds" not in limits else st.st_mtime_ns // 10**9)
    if "owner" not in limits:
        os.chown("read", 12, 34)
        tell(of_stat(os.stat("read")))
    if "attributes" not in limits:
        os.setxattr("read", "user.a", b"value")
        forget()
        tell(os.getxattr("read", "user.a"), os.listxattr("read"))
    if "owner-of-symlink" not in limits and "owner" not in limits:
        os.chown("link", 5, 6, follow_symlinks=False)
    tell(os.readlink("link"), subprocess.run(["./script"], capture_output=True, text=True).stdout)


def change_names():
    os.rename("away/one", "away/three")
    os.rename("away/two", "moved")
    forget()
    tell(text_of("away/three"), text_of("moved"), os.listdir("away"))
    put("fresh", "fresh\n")
    os.rename("fresh", "moved")
    forget()
    tell(text_of("moved"))
    put("moved", "after\n", "a")
    tell(text_of("moved"))
    subprocess.run(["mv", "many/d1", "many/other"], check=True)
    forget()
    tell(names("many/other"), text_of("many/other/f1"))
    os.mkdir("made")
    put("made/in/side", "side\n")
    os.rename("made", "remade")
    forget()
    put("made/in/side", "another\n")
    tell(text_of("made/in/side"), text_of("remade/in/side"))
    shutil.rmtree("gone")
    shutil.rmtree("o")
    os.mkdir("o")
    tell(os.listdir("o"))
    os.rename("g", "o/g")
    forget()
    tell(os.listdir("o"), text_of("o/g"))
    attempt("mkdir gone", os.mkdir, "gone")
    tell(os.listdir("gone"))
    attempt("rmdir", os.rmdir, "many")
    os.symlink("new", "newlink")
    if "fifo" not in limits:
        os.mkfifo("newfifo")
        os.chmod("fifo", 0o600)
    for i in range(60):
        put("lots/n%d" % i, str(i))
        os.rename("lots/n%d" % i, "lots/m%d" % i)
    forget()
    tell(sorted(os.listdir("lots")), "".join(text_of("lots/m%d" % i) for i in range(60)))
    for i in range(0, 60, 2):
        os.unlink("lots/m%d" % i)
    tell(len(os.listdir("lots")))


def change_links():
    os.link("read", "read2")
    forget()
    put("read2", "by the other name\n", "a")
    forget()
    tell(text_of("read2"), of_stat(os.stat("read2")))
    os.unlink("read")
    forget()
    tell(text_of("read2"))
    os.rename("read2", "read")
    # As git makes its objects.
    put("objects/tmp", "object\n")
    os.link("objects/tmp", "objects/1")
    os.unlink("objects/tmp")
    tell(text_of("objects/1"))
    forget()
    tell(text_of("objects/1"), os.listdir("objects"))


def use(fd, title):
    """What can be done with an open file, whatever became of its name."""
    tell(title, of_stat(os.fstat(fd)), os.pread(fd, 99, 0))
    forget()
    tell(os.pwrite(fd, b"XY", 1), os.pread(fd, 99, 0))
    os.ftruncate(fd, 7)
    os.fsync(fd)
    forget()
    tell(of_stat(os.fstat(fd)), os.pread(fd, 99, 0))


def change_open_files():
    reading = [os.open(n, os.O_RDONLY) for n in ("mapped", "script", "many/d2/f2", "many/d2", "o")]
    unlinked = os.open("open/unlinked", os.O_RDWR)
    replaced = os.open("open/replaced", os.O_RDWR)
    own = os.open("open/own", os.O_RDWR | os.O_CREAT)
    os.write(own, b"of our own\n")
    os.unlink("open/unlinked")
    os.unlink("open/own")
    put("by", "which replaces\n")
    os.rename("by", "open/replaced")
    tell(os.listdir("open"), text_of("open/replaced"))
    forget()
    names()
    forget()
    use(unlinked, "unlinked")
    use(replaced, "replaced")
    use(own, "own")
    os.unlink("open/replaced")
    attempt("rmdir with open files", os.rmdir, "open")
    use(own, "own again")
    for fd in reading[:3]:
        forget()
        tell(of_stat(os.fstat(fd)), os.pread(fd, 20, 0))
    tell(sorted(os.listdir(reading[3])), sorted(os.listdir(reading[4])))
    here = os.open(".", os.O_RDONLY)
    os.chdir("many/d3")
    forget()
    tell(sorted(os.listdir(".")), text_of("f3"))
    os.fchdir(here)
    for fd in reading + [unlinked, replaced, own, here]:
        os.close(fd)


def git(*args):
    settings = ["-c", "user.name=N", "-c", "user.email=N@example.org", "-c", "init.defaultBranch=main", "-c", "gc.auto=0",
                "-c", "safe.directory=*"]
    done = subprocess.run(["git", "-C", "repo"] + settings + list(args), capture_output=True, text=True,
                          env=dict(os.environ, GIT_CONFIG_NOSYSTEM="1", HOME="/nonexistent", GIT_AUTHOR_DATE="@1500000000 +0000",
                                   GIT_COMMITTER_DATE="@1500000000 +0000"))
    tell("git", args[0], done.returncode, done.stderr if done.returncode else "")
    return done.stdout


def change_git():
    os.mkdir("repo")
    git("init", "-q")
    for i in range(30):
        put("repo/src/f%d" % (i % 10), "line %d\n" % i, "a")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    forget()
    tell(git("fsck", "--full", "--strict"), git("status", "--short"))
    put("repo/src/f1", "changed\n")
    os.unlink("repo/src/f2")
    put("repo/new", "new\n")
    git("add", "-A")
    git("commit", "-q", "-m", "second")
    forget()
    git("gc", "-q")
    forget()
    tell(git("fsck", "--full", "--strict"), git("status", "--short"), git("log", "--oneline", "--stat"))
    git("checkout", "-q", "HEAD~1")
    tell(names("repo/src"), git("status", "--short"))


def change(top):
    os.umask(0o022)
    os.chdir(top)
    tell(names())
    for step in change_data, change_meta, change_names, change_open_files, change_git:
        tell("---", step.__name__)
        step()
    if "no-links" not in limits:
        tell("---", "change_links")
        change_links()
    tell(names())


def numbers(top):
    """No two objects have one number, and reading tells the same as asking."""
    os.chdir(top)
    seen = {}
    for path, dirs, files in os.walk("."):
        for entry in os.scandir(path):
            st = entry.stat(follow_symlinks=False)
            if entry.inode() != st.st_ino:
                tell(entry.path, "has another number when it is read", entry.inode(), st.st_ino)
            if st.st_nlink == 1 or entry.is_dir(follow_symlinks=False):
                if st.st_ino in seen:
                    tell(entry.path, "has the number of", seen[st.st_ino])
                seen[st.st_ino] = entry.path


def end(top):
    numbers(top)
    shutil.rmtree(top, ignore_errors=True)
    if os.listdir(top):
        tell("left:", os.listdir(top))
        sys.exit(1)


def sshfs(directory, point):
    ours, theirs = socket.socketpair()
    with open(point + ".log", "ab") as log:
        subprocess.Popen(["/usr/lib/openssh/sftp-server"], stdin=ours, stdout=ours, stderr=log, start_new_session=True)
        client = subprocess.Popen(["sshfs", "-f", "-o", "passive,allow_other,default_permissions", "host:" + directory, point],
                                  stdin=theirs, stdout=theirs, stderr=log, start_new_session=True)
    for _ in range(200):
        if os.path.ismount(point):
            return
        if client.poll() is not None:
            break
        time.sleep(0.05)
    sys.exit("sshfs doesn't mount")


def main():
    global layer
    command, *args = sys.argv[1:]
    if command == "make":
        make(args[0])
    elif command == "change":
        layer = args[1]
        limits.update(args[2].split())
        change(args[0])
    elif command == "show":
        limits.update(args[1].split())
        show(args[0])
    elif command == "end":
        end(args[0])
    else:
        sshfs(*args)


main()
