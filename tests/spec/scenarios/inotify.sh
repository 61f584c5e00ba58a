# SPDX-License-Identifier: Apache-2.0
# title: a watch sees the events of a file and a directory before, during and after copy-up
# labels: quick
# needs: python3

layers() {
	put l1/d/f 1
	put l1/d/g 1
	put l2/d/h 1
	put l1/d/sub/x 1
}

scenario() {
	cat >"$BASE/watch.py" <<'P'
import ctypes, os, struct, subprocess
c = ctypes.CDLL(None, use_errno=True)
names = {1: "access", 2: "modify", 4: "attrib", 8: "close_write", 0x10: "close_nowrite", 0x20: "open", 0x40: "moved_from", 0x80: "moved_to", 0x100: "create",
         0x200: "delete", 0x400: "delete_self", 0x800: "move_self", 0x2000: "unmount", 0x8000: "ignored"}
fd = c.inotify_init1(os.O_NONBLOCK)
wd = {c.inotify_add_watch(fd, p, 0xfff): p.decode() for p in (b"d", b"d/f", b"d/g", b"d/h", b"d/sub")}
def drain(what):
    print("#", what)
    try: buf = os.read(fd, 65536)
    except BlockingIOError: return
    at = 0
    while at < len(buf):
        w, mask, cookie, n = struct.unpack_from("iIII", buf, at)
        name = buf[at + 16:at + 16 + n].rstrip(b"\0").decode()
        at += 16 + n
        print(wd[w], "+".join(v for k, v in names.items() if mask & k), "dir" if mask & 0x40000000 else "", name)
for cmd in ("cat d/f", "chmod 600 d/f", "echo 2 >>d/f", ": >d/g", "rm d/g", "mv d/h d/i", "echo >d/new", "rm -r d/sub", "mkdir d/sub", "ln d/f d/link", "setfattr -n user.a -v 1 d/i", "touch -d @5 d/i", "rm d/f d/link"):
    subprocess.run(["sh", "-c", cmd], stdout=subprocess.DEVNULL)
    drain(cmd)
P
	python3 "$BASE/watch.py"
}
