# SPDX-License-Identifier: Apache-2.0
# title: data=passthrough: opening, reading and replacing files at once, each reader gets the old or the new content and no error
# plyfs-only: about plyfs's daemon
# needs: python3
# variants: newfuse
# not-mounted: yes

layers() {
	local i

	for i in $(seq 60); do
		put l1/f"$i" "old old old old"
	done
	for i in $(seq 20); do
		ln l1/f"$i" l1/link"$i"
	done
	cp -a l1 before
	mkdir -p m
}

work() {
	python3 - <<'P'
import os, random, sys

OLD, NEW = b"old old old old\n", b"NEW NEW NEW NEW\n"
os.chdir("m")

def reader(seed):
    rnd = random.Random(seed)
    seen = {}
    kept = []
    while len(seen) < 60 or not all(seen.values()):
        i = rnd.randint(1, 60)
        f = open("f%d" % i, "rb")
        text = f.read()
        assert text in (OLD, NEW), text
        assert not (seen.get(i) and text == OLD), "old after new: f%d" % i
        seen[i] = seen.get(i) or text == NEW
        if len(kept) < 30:
            kept.append((f, text))
        else:
            g, text = kept.pop(rnd.randrange(len(kept)))
            again = os.pread(g.fileno(), 100, 0)
            assert again in (OLD, NEW) and not (text == NEW and again == OLD), again

def writer():
    order = list(range(1, 61))
    random.Random(7).shuffle(order)
    for i in order:
        with open("f%d" % i, "r+b") as f:
            assert os.pwrite(f.fileno(), NEW, 0) == len(NEW)
        os.chmod("f%d" % (1 + i % 60), 0o600)

def child(what, *args):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            what(*args)
            status = 0
        except BaseException as e:
            print(what.__name__, args, repr(e), flush=True)
        os._exit(status)
    return pid

pids = [child(reader, i) for i in range(4)] + [child(writer)]
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids))
P
}

scenario() {
	local round

	"$PLYFS" --version | grep -q 'passthrough yes' || unsupported "the libfuse in use has no passthrough"
	for round in 1 2 3; do
		mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work,data=passthrough" || { check "mounted" false; return; }
		check "round $round: old or new, never an error" work
		check "round $round: all are new" [ "$(cat m/f* | sort -u)" = "NEW NEW NEW NEW" ]
		union_umount "$BASE/m"
		rm -rf upper work
		mkdir upper work
	done
	check "the layer is as it was" diff -r before l1
}
