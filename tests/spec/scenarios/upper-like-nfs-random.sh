# SPDX-License-Identifier: Apache-2.0
# title: over an upper that holds .wh. names random changes have the results and leave the trees that the kernel's have over one with xattrs
# needs: python3
# not-mounted: yes

layers() {
	mkdir -p m disk nfs layers
	cat >random.py <<'END'
import errno, os, random, stat, sys
base, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
r = random.Random(seed)
if seed < 0:
    # Three layers: files, links and directories that meet by their names.
    for layer in ("l1", "l2", "l3"):
        for _ in range(25):
            path = os.path.join(base, layer, *(r.choice("abcd") for _ in range(r.randint(1, 3))))
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                kind = r.random()
                if kind < 0.5:
                    open(path, "x").write(layer + path[len(base) + 3:])
                elif kind < 0.6:
                    os.symlink("a", path)
                else:
                    os.mkdir(path)
            except (FileExistsError, NotADirectoryError):
                pass
    sys.exit()
os.chdir(base)
def path():
    # Half the time something that exists, so that more than errors is tested.
    found = ["."]
    if r.random() < 0.6:
        for folder, folders, files in os.walk("."):
            folders.sort()
            found += [os.path.join(folder, n) for n in sorted(folders + files)]
        return r.choice(found)
    return os.path.join(".", *(r.choice("abcd") for _ in range(r.randint(1, 3))))
def append(p):
    with open(p, "a") as f:
        f.write("more\n")
OPS = {"create": (lambda p: os.close(os.open(p, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640)), 1), "append": (append, 1),
       "mkdir": (os.mkdir, 1), "rmdir": (os.rmdir, 1), "unlink": (os.unlink, 1), "rename": (os.rename, 2), "link": (os.link, 2),
       "symlink": (lambda p: os.symlink("d", p), 1), "mkfifo": (lambda p: os.mkfifo(p, 0o600), 1),
       "chmod": (lambda p: None if os.path.islink(p) else os.chmod(p, 0o700), 1)}
for n in range(count):
    name = r.choices(list(OPS), (4, 3, 5, 5, 6, 10, 2, 1, 1, 2))[0]
    call, args = OPS[name]
    paths = [path() for _ in range(args)]
    if name == "append" and os.path.exists(paths[0]) and not os.path.isfile(paths[0]):
        continue
    if name == "link":
        # Links of lower files are broken by the kernel's copy-up.
        paths[0] = os.path.join(".", "linked")
        if not os.path.exists(paths[0]):
            open(paths[0], "w").close()
    try:
        call(*paths)
        result = "ok"
    except OSError as e:
        result = errno.errorcode[e.errno]
    print(n, name, *paths, result)
for folder, folders, files in os.walk("."):
    folders.sort()
    for n in sorted(folders + files):
        p = os.path.join(folder, n)
        st = os.lstat(p)
        what = os.readlink(p) if stat.S_ISLNK(st.st_mode) else open(p).read() if stat.S_ISREG(st.st_mode) else ""
        print(p, oct(st.st_mode), 0 if stat.S_ISDIR(st.st_mode) else st.st_nlink, repr(what))
END
}

scenario() {
	local upper=$BASE/disk seed

	if [ "$FS" = plyfs ]; then
		"$POOR" disk nfs || echo "FAIL: poor"
		upper=$BASE/nfs
	fi
	for seed in 1 2 3 4 5 6; do
		rm -rf layers
		mkdir -p layers/l1 layers/l2 layers/l3 "$upper/u" "$upper/w"
		python3 random.py "$BASE/layers" -$seed 0
		for step in 1 2 3; do
			union "$BASE/m" "lowerdir=layers/l1:layers/l2:layers/l3,upperdir=$upper/u,workdir=$upper/w" || echo "FAIL: mount"
			echo "--- seed $seed, step $step"
			python3 random.py "$BASE/m" $((seed * 10 + step)) 300
			union_umount "$BASE/m" || echo "FAIL: unmount"
		done
		rm -rf "$upper/u" "$upper/w"
	done
	[ "$FS" != plyfs ] || umount nfs
	rm -rf disk layers random.py
	mkdir disk layers
}
