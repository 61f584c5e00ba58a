# SPDX-License-Identifier: Apache-2.0
# title: thousands of open files that lost their names find no limit with few descriptors, and behave as on one file system
# labels: quick
# plyfs-only: few descriptors are the daemon's trouble; a directory of one file system is the oracle
# not-mounted: yes
# timeout: 180

# N of a kind; seven kinds, and nameless files
N=300

layers() {
	local i

	for i in $(seq $N); do
		echo "lower $i" >"l1/covered$i"
		echo "lower $i" >"l1/late$i"
		echo "pair $i" >"l1/p$i"
		ln "l1/p$i" "l1/q$i"
		echo "pair $i" >"l1/r$i"
		ln "l1/r$i" "l1/s$i"
		echo "one $i" >"upper/h$i"
		ln "upper/h$i" "upper/k$i"
	done
	mkdir native
	cp -a l1/. native
	cp -a upper/. native
}

# what a process does with its files, and what it sees: prints the same for a directory of one file system
program() { # DIRECTORY COMMAND-WHILE-THEY-ARE-OPEN [tmpfile]
	python3 -c '
import os, resource, subprocess, sys
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
os.chdir(sys.argv[1])
n, held = int(sys.argv[3]), []

def errno(call, *args, **kw):
    try:
        call(*args, **kw)
        return 0
    except OSError as e:
        return e.errno

def make(name, text, mode="w+"):
    f = open(name, mode)
    f.write(text)
    f.flush()
    return f.fileno(), f

for i in range(1, n + 1):
    fd, f = make("new%d" % i, "new %d" % i)
    os.unlink("new%d" % i)
    held.append(("new", i, fd, f))
    fd, f = make("covered%d" % i, "more", "r+")
    os.unlink("covered%d" % i)
    held.append(("covered", i, fd, f))
    fd, f = make("target%d" % i, "replaced %d" % i)
    make("source%d" % i, "source %d" % i)[1].close()
    os.rename("source%d" % i, "target%d" % i)
    held.append(("replaced", i, fd, f))
    f = open("late%d" % i, "r+")
    os.unlink("late%d" % i)
    held.append(("late", i, f.fileno(), f))
    fd, f = make("p%d" % i, "more", "r+")
    os.unlink("p%d" % i)
    os.unlink("q%d" % i)
    held.append(("pair", i, fd, f))
    f = open("r%d" % i, "r+")
    os.unlink("r%d" % i)
    os.unlink("s%d" % i)
    held.append(("latepair", i, f.fileno(), f))
    f = open("h%d" % i, "r+")
    os.unlink("h%d" % i)
    held.append(("linked", i, f.fileno(), f))
    if len(sys.argv) > 4 and i <= n / 4:
        fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o640)
        held.append(("tmpfile", i, fd, None))

for turn in 1, 2:
    for kind, i, fd, f in held:
        s = os.fstat(fd)
        print(turn, kind, i, "nlink", s.st_nlink, "size", s.st_size, "mode %o" % s.st_mode, os.pread(fd, 99, 0), end=" ")
        print(os.pwrite(fd, b"turn %d" % turn, turn), os.pread(fd, 99, 0), end=" ")
        os.fchmod(fd, 0o600 + turn)
        os.ftruncate(fd, 6 + turn)
        s = os.fstat(fd)
        print("nlink", s.st_nlink, "size", s.st_size, "mode %o" % s.st_mode, os.pread(fd, 99, 0), end=" ")
        path = "/proc/self/fd/%d" % fd
        if kind != "linked" and (kind != "tmpfile" or i % 2):
            print("link", errno(os.link, path, "again-%s%d" % (kind, i), follow_symlinks=True), os.fstat(fd).st_nlink, end=" ")
        if i % 20 == 0:
            os.fsync(fd)
        print()
for i in range(1, n + 1):
    s = os.stat("k%d" % i)
    print("k", i, s.st_nlink, s.st_size, open("k%d" % i).read())
    os.unlink("k%d" % i)
for kind, i, fd, f in held:
    print("last", kind, i, os.fstat(fd).st_nlink, os.pread(fd, 99, 0))
sys.stdout.flush()
if subprocess.call(sys.argv[2], shell=True):
    print("the command failed")
print(sorted(os.listdir(".")))
' "$1" "$2" "$N" "${@:3}"
}

few() {
	(ulimit -n 200 && union "$@")
}

# whiteouts apart, of which one is shared
kept() { find "$BASE/work/work" -mindepth 1 ! -type c | wc -l; }
nothing_kept() { [ "$(kept)" = 0 ]; }

scenario() {
	local b=$BASE options="lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work" tmp="" pid

	check "mounted with few descriptors" few "$b/merged" "$options"
	pid=$(cat "$b/merged.pid")
	[ "$("$SC" fd open:merged:rw,tmp:600)" = "open:merged:rw,tmp:600 -> EOPNOTSUPP" ] || tmp=tmpfile
	cp -a upper before
	# shellcheck disable=SC2086
	program merged "ls /proc/$pid/fd | wc -l >$b/descriptors; find $b/work/work ! -type c | wc -l >$b/kept" $tmp >seen 2>&1
	# shellcheck disable=SC2086
	program native true $tmp >wanted 2>&1
	check "as on one file system" cmp wanted seen || diff wanted seen | head -20
	check "with less than 200 descriptors" test "$(cat descriptors)" -lt 200
	check "the others by a name in the work directory" test "$(cat kept)" -gt 1500
	check "which goes with the last user" wait_until nothing_kept
	check_equal "and nothing is in the index" "" "$(ls work/index 2>/dev/null)"
	check "unmounted" union_umount merged

	rm -rf upper
	mv before upper
	check "mounted again" few "$b/merged" "$options"
	pid=$(cat "$b/merged.pid")
	# shellcheck disable=SC2016
	program merged "find $b/work/work ! -type c | wc -l >$b/kept; umount -l $b/merged" >/dev/null 2>&1
	check "a lazy unmount while they are open" test "$(cat kept)" -gt 1500
	check "leaves none when the daemon has ended" wait_gone "$pid" 20
	check_equal "work directory" "" "$(find work/work -mindepth 1)"
	rm -f merged.pid merged.log

	check "and again" few "$b/merged" "$options"
	pid=$(cat "$b/merged.pid")
	for i in $(seq 300); do echo "$i" >"merged/x$i"; done
	(
		# shellcheck disable=SC2034
		for i in $(seq 300); do exec {fd}<"merged/x$i" && rm "merged/x$i" || exit; done
		kept >left
		kill -KILL "$pid"
	)
	check "killed with such files" test "$(cat left)" -gt 200
	check "the daemon is gone" wait_gone "$pid" 10
	umount merged
	check "the next mount" few "$b/merged" "$options"
	check_equal "finds none of them" 0 "$(kept)"
	check "unmounted at last" union_umount merged
}
