# SPDX-License-Identifier: Apache-2.0
# apply.py PLYCTL UPPER COMMAND: plyctl apply on a pty; the command runs before the answer yes. Its status is that of apply.
import os, pty, subprocess, sys

plyctl, upper, command = sys.argv[1:]
pid, master = pty.fork()
if pid == 0:
    os.execv(plyctl, [plyctl, "apply", upper])
seen = b""
while b"Apply?" not in seen:
    seen += os.read(master, 4096)
subprocess.run(["sh", "-c", command], check=True)
os.write(master, b"y\n")
try:
    while data := os.read(master, 4096):
        seen += data
except OSError:
    pass
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
