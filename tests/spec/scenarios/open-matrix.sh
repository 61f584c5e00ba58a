# SPDX-License-Identifier: Apache-2.0
# title: open of each kind of entry, by its owner and by others, with each flag
# labels: quick
# needs: python3

layers() {
	local k
	for k in l1 upper; do
		mkdir -p $k/d-$k/in $k/st-$k
		put $k/f-$k 1
		chown 1000:1000 $k/f-$k
		put $k/r-$k 1
		chmod 600 $k/r-$k
		ln -s f-$k $k/lf-$k
		ln -s dangling-$k $k/ld-$k
		ln -s loop-$k $k/loop-$k
		mkfifo $k/p-$k
		chmod 666 $k/p-$k
		mknod $k/c-$k c 1 3
		chmod 666 $k/c-$k
		mknod $k/b-$k b 99 99
		"$SC" mknod $k/s-$k sock 0666
		put $k/st-$k/f 1
		chown 2000:2000 $k/st-$k/f
		chmod 666 $k/st-$k/f
		mkfifo $k/st-$k/p; chown 2000 $k/st-$k/p; chmod 666 $k/st-$k/p
		chmod 1777 $k/st-$k
	done
	chmod 777 upper
	touch -d @1000000009 upper
}

scenario() {
	cat >"$BASE/open.py" <<'P'
import os, errno, sys
F = {"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR, "wo3": 3,
     "r-trunc": os.O_RDONLY|os.O_TRUNC, "w-trunc": os.O_WRONLY|os.O_TRUNC,
     "creat": os.O_CREAT|os.O_WRONLY, "rcreat": os.O_CREAT, "excl": os.O_CREAT|os.O_EXCL|os.O_RDWR, "creat-dir": os.O_CREAT|os.O_DIRECTORY,
     "creat-trunc": os.O_CREAT|os.O_TRUNC|os.O_RDWR,
     "dir": os.O_DIRECTORY, "dirw": os.O_DIRECTORY|os.O_RDWR, "nofollow": os.O_NOFOLLOW, "path": os.O_PATH, "pathnf": os.O_PATH|os.O_NOFOLLOW,
     "noatime": os.O_NOATIME, "append": os.O_APPEND|os.O_WRONLY, "append-trunc": os.O_APPEND|os.O_TRUNC|os.O_RDWR, "direct": os.O_DIRECT, "sync": os.O_SYNC|os.O_WRONLY,
     "tmp": os.O_TMPFILE|os.O_RDONLY, "tmpexcl": os.O_TMPFILE|os.O_EXCL}
names = [n + "-" + k for k in ("l1", "upper") for n in ("d", "f", "r", "lf", "ld", "loop", "p", "c", "b", "s")]
for k in ("l1", "upper"):
    names += ["st-%s/f" % k, "st-%s/p" % k, "st-%s/new" % k, "f-%s/x" % k, "d-%s/" % k, "f-%s/" % k, "lf-%s/" % k, "d-%s/none/x" % k, "d-%s/." % k, "loop-%s/x" % k]
for n in names:
    for w, f in F.items():
        try:
            fd = os.open(n, f | os.O_NONBLOCK, 0o640)
            s = os.fstat(fd)
            r = "%o %d %d" % (s.st_mode, s.st_uid, s.st_size if not s.st_mode & 0o40000 else 0)
            if f & 3 and not (f & os.O_PATH) and (s.st_mode & 0o170000) == 0o100000:
                try: os.write(fd, b"x")
                except OSError as e: r += " write " + errno.errorcode[e.errno]
            os.close(fd)
        except OSError as e:
            r = errno.errorcode[e.errno]
        if "tmp" not in w:
            print(sys.argv[1], n, w, r)
P
	python3 "$BASE/open.py" root
	sc as 1000:1000 python3 "$BASE/open.py" 1000
	sc as 2000:2000 python3 "$BASE/open.py" 2000
}
