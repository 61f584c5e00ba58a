# SPDX-License-Identifier: Apache-2.0
# terminal.py PLYCTL STACK : plyctl run below an interactive shell on a pty: ^C, ^Z and fg, a change of the window's size, a pipeline, an
# interactive shell within, and the terminal's group afterwards.
import fcntl, os, pty, re, select, struct, sys, termios, time

plyctl, stack = sys.argv[1:]
pid, master = pty.fork()
if pid == 0:
    os.environ.update(PS1="outer-$((1+1))> ", HISTFILE="", TERM="dumb", LC_ALL="C")
    os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
seen = ""


def wait_for(pattern, seconds=20):
    global seen
    end = time.monotonic() + seconds
    while True:
        found = re.search(pattern, seen)
        if found:
            seen = seen[found.end():]
            return found
        if not select.select([master], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit(f"no {pattern!r} came, but {seen!r}")
        seen += os.read(master, 65536).decode(errors="replace")


def say(text):
    os.write(master, text.encode())


def shell(line):
    say(line + "\n")


def run(command, options="--rm"):
    shell(f"{plyctl} run {options} {stack} -- {command}; echo status=$?")


prompt = r"outer-2> "
wait_for(prompt)

# ^C kills the command, as it kills any.
run("sh -c 'echo rea''dy; sleep 100'")
wait_for("ready\r\n")
say("\x03")
wait_for("status=130")

# The command may take it, and takes it once.
run("sh -c 'trap \"n=x\\$n; echo got\\$n\" INT; echo rea''dy; read line; echo line-$line'")
wait_for("ready\r\n")
say("\x03")
wait_for("gotx\r\n")
say("typed\n")
got = wait_for(r"(?s)(.*)status=(\d+)")
assert "got" not in got.group(1), got.group(1)

# ^Z stops it together with plyctl, and fg goes on.
shell(f"{plyctl} run --rm {stack} -- sh -c 'echo rea''dy; read line; echo line-$line; exit 4'")
wait_for("ready\r\n")
say("\x1a")
wait_for("Stopped")
wait_for(prompt)
shell("fg >/dev/null; echo status=$?")
say("more\n")
wait_for("line-more")
wait_for("status=4")
wait_for(prompt)

# The window's size changes.
run("sh -c 'trap \"stty size\" WINCH; echo rea''dy; while :; do sleep 0.1; [ -e /go ] && exit; done'")
wait_for("ready\r\n")
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
wait_for("33 77")
say("\x03")
wait_for("status=")

# A pipeline is one job.
shell(f"{plyctl} run --rm {stack} -- sh -c 'echo one; echo two' | grep -c . ; echo status=$?")
wait_for("2\r\nstatus=0")

# An interactive shell within has the terminal, with its own job control, and gives it back.
shell(f"{plyctl} run --rm {stack} -- sh -i; echo status=$?")
wait_for("# ")
shell("sh -c 'tty >/dev/null && echo has''-tty; sleep 100'")
wait_for("has-tty\r\n")
say("\x03")
wait_for("# ")
shell("sh -c 'echo rea''dy; sleep 100'")
wait_for("ready\r\n")
say("\x1a")
wait_for("Stopped")
wait_for("# ")
shell("exit 5")
wait_for("stopped jobs")
wait_for("# ")
shell("exit 5")
wait_for("status=5")
wait_for(prompt)
shell("cat")
say("still-mine\n")
wait_for("still-mine\r\nstill-mine")
say("\x04")
wait_for(prompt)
shell("exit 0")
os.waitpid(pid, 0)
