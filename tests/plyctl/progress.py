# SPDX-License-Identifier: Apache-2.0
# progress.py terminal|pipe PLYCTL ARGUMENTS.. : runs it, slowed down by strace, with standard error on a terminal of 100 columns or in a pipe.
# Prints what came there, a line for each time that the line was written anew, and exits with its status.
import fcntl, os, pty, re, struct, subprocess, sys, termios

where, program = sys.argv[1], sys.argv[2:]
slow = ["strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=openat2,statx", "-e", "inject=openat2,statx:delay_enter=6000"]
ours, theirs = pty.openpty() if where == "terminal" else os.pipe()
if where == "terminal":
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 100, 0, 0))
asan = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # which can't work under strace
done = subprocess.Popen(slow + program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, env=dict(os.environ, ASAN_OPTIONS=asan))
os.close(theirs)
said = b""
try:
    while more := os.read(ours, 65536):
        said += more
except OSError:  # the end of a terminal
    pass
text = said.decode(errors="replace")
if left := re.search(r"[^\r]\x1b\[K(?!\r).*", text):
    print(f"the line isn't cleared: {left.group()!r}")
longest = max(map(len, re.split(r"\r|\n|\x1b\[K", text)))
if longest >= 100:
    print(f"a line has {longest} columns")
print(text.replace("\x1b[K", "").replace("\r", "\n"), end="")
sys.exit(done.wait())
