# SPDX-License-Identifier: Apache-2.0
# title: data=passthrough: the kernel reads and writes the files, old readers keep the old data, nothing reaches a layer
# plyfs-only: the kernel's open descriptors of a lower file read the new data after copy-up
# needs: python3
# variants: newfuse
# not-mounted: yes

layers() {
	local name

	fill l1/big 3000000
	for name in read append mapped linked chmod suid attrs rename; do
		put l1/$name "lower $name"
	done
	ln l1/linked l1/linked2
	chmod 4755 l1/suid
	cp -a l1 before
	mkdir -p m
	chmod 777 .
}

# Prints what it finds; each line is checked below.
work() {
	python3 - <<'P'
import mmap, os, time

os.chdir("m")
def get(name): return open(name).read().strip()
def say(*what): print(*what, flush=True)

say("big", open("big", "rb").read() == open("../l1/big", "rb").read())
readers = [open("append") for _ in range(3)]
number = os.stat("append").st_ino
with open("append", "a") as w:
    w.write("more\n")
    w.flush()
    os.fsync(w.fileno())
    say("size by the writer", os.fstat(w.fileno()).st_size, "by a reader", os.fstat(readers[0].fileno()).st_size)
say("readers", {r.read() for r in readers}, "new", repr(open("append").read()))
say("number stays", os.stat("append").st_ino == number == os.fstat(readers[0].fileno()).st_ino)
os.fchmod(readers[0].fileno(), 0o640)
say("mode", oct(os.stat("append").st_mode))
os.chmod("append", 0o604)
say("mode of the reader", oct(os.fstat(readers[0].fileno()).st_mode))
readers.clear()
say("closed", repr(open("append").read()))

f = open("mapped", "r+b")
old = open("../l1/mapped", "rb").read()
m = mmap.mmap(f.fileno(), 0)
before = os.stat("mapped").st_mtime_ns
time.sleep(0.05)
m[0:5] = b"STORE"
say("store moves the time", os.stat("mapped").st_mtime_ns > before, get("mapped"), open("../l1/mapped", "rb").read() == old)
m.close()
f.close()

r = open("read")
m = mmap.mmap(r.fileno(), 0, prot=mmap.PROT_READ)
with open("read", "r+") as w:
    w.write("UPPER")
say("mapping", m[:5], "new", get("read")[:5])

r = open("chmod")
os.chmod("chmod", 0o600)
say("after chmod", r.read().strip(), "|", get("chmod"))

r = open("rename")
os.rename("rename", "renamed")
with open("renamed", "a") as w:
    w.write("x")
say("renamed", r.read().strip(), "|", open("renamed").read().split())

f = open("new", "w+")
f.write("abc")
f.flush()
say("created", os.stat("new").st_size, get("new"))
os.unlink("new")
f.write("d")
f.flush()
f.seek(0)
say("unlinked", f.read(), os.fstat(f.fileno()).st_nlink)
f.close()
with open("big", "r+b") as w:
    os.ftruncate(w.fileno(), 10)
    say("truncated", os.stat("big").st_size, len(open("big", "rb").read()))
P
	chmod 4777 m/suid
	setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'echo y >>m/suid'
	stat -c 'suid %a' m/suid
	chmod 777 m/linked
	setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'exec 3>>m/linked; touch ready; until [ -e go ]; do sleep 0.05; done; echo z >&3' &
	wait_until [ -e ready ]
	chmod 4777 m/linked
	touch go
	wait $!
	stat -c 'set while open %a' m/linked
	cat m/attrs >/dev/null
	chmod 4777 m/attrs
	setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'echo y >>m/attrs'
	stat -c 'set while closed %a' m/attrs
}

lines() {
	check "$1" grep -qxF -- "$1" said
}

scenario() {
	"$PLYFS" --version | grep -q 'passthrough yes' || unsupported "the libfuse in use has no passthrough"
	if ! mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work,data=passthrough,log=$BASE/log"; then
		check "mounted" false
		return
	fi
	cat m/big >/dev/null
	grep -aq "can't be had here" log && unsupported "$(grep -a "can't be had here" log)"
	work >said 2>errors
	check "no error" [ ! -s errors ]
	lines "big True"
	lines "size by the writer 18 by a reader 18"
	lines "readers {'lower append\\n'} new 'lower append\\nmore\\n'"
	lines "number stays True"
	lines "mode 0o100640"
	lines "mode of the reader 0o100604"
	lines "closed 'lower append\\nmore\\n'"
	lines "store moves the time True STORE mapped True"
	lines "mapping b'lower' new UPPER"
	lines "after chmod lower chmod | lower chmod"
	lines "renamed lower rename | ['lower', 'rename', 'x']"
	lines "created 3 abc"
	lines "unlinked abcd 0"
	lines "truncated 10 10"
	lines "suid 777"
	lines "set while open 4777"
	lines "set while closed 777"
	check "only the writes to setuid files came as requests" [ "$(counted m read) $(counted m write)" = "0 2" ]
	union_umount "$BASE/m"
	check "the layer is as it was" diff -r before l1
}
