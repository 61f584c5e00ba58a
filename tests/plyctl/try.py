# SPDX-License-Identifier: Apache-2.0
# try.py PLYCTL: the question of plyctl try, on a pty, with each answer.
import os, pty, sys

plyctl = sys.argv[1]


def answer(letter, name):
    pid, master = pty.fork()
    if pid == 0:
        os.execv(plyctl, [plyctl, "try", "--", "sh", "-c", f"echo {name} >/etc/{name}"])
    seen = b""
    while b"apply, keep or drop?" not in seen:
        seen += os.read(master, 4096)
    os.write(master, letter + b"\n")
    try:
        while data := os.read(master, 4096):
            seen += data
    except OSError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, (status, seen)
    assert b"A /etc/" + name.encode() in seen, seen
    return seen


answer(b"d", "dropped")
assert not os.path.exists("/etc/dropped")
assert os.listdir("/store/uppers") == []
seen = answer(b"k", "kept")
assert b"plyctl apply" in seen, seen
assert not os.path.exists("/etc/kept")
assert len(os.listdir("/store/uppers")) == 1
answer(b"a", "applied")
assert open("/etc/applied").read() == "applied\n"
assert len(os.listdir("/store/uppers")) == 1
