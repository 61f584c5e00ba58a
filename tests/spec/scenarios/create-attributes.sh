# SPDX-License-Identifier: Apache-2.0
# title: owner, group, mode and ACL of what is made are the kernel's, by any call, in any directory, at new names and at removed ones
# needs: setfacl getfacl python3
# timeout: 120

layers() {
	local k p

	for k in plain setgid acl setgidacl sticky; do
		for p in l1 upper; do
			mkdir -p $p/$k-$p
			chown 3000:4000 $p/$k-$p
			case $k in
			plain) chmod 777 $p/$k-$p ;;
			setgid) chmod 2777 $p/$k-$p ;;
			acl) chmod 777 $p/$k-$p; setfacl -d -m u::rwx,g::r-x,o::-w-,u:1000:rw-,m::rwx $p/$k-$p ;;
			setgidacl) chmod 2777 $p/$k-$p; setfacl -d -m u::rw,g::rwx,o::r-x,g:5000:rwx $p/$k-$p ;;
			sticky) chmod 1777 $p/$k-$p ;;
			esac
			for u in 0 1000 2000; do
				for m in 000 022 077 0777; do
					for n in creat mkdir mkdirg mknod fifo sock symlink dev link; do
						put l1/$k-$p/wh$n$u$m 1
						if [ $n = mkdir ]; then rm l1/$k-$p/wh$n$u$m; put l1/$k-$p/wh$n$u$m/x 1; fi
					done
				done
			done
		done
	done
	chown 1000:1000 upper
	touch -d @1000000009 upper
}

scenario() {
	rm -rf */wh*
	cat >"$BASE/new.py" <<'P'
import os, stat, sys, socket
uid = sys.argv[1]
for d in sorted(os.listdir(".")):
    for u in "000", "022", "077", "0777":
        os.umask(int(u, 8))
        for pre in "n", "wh":
            def p(n): return "%s/%s%s%s%s" % (d, pre, n, uid, u)
            def t(f, *a):
                try: f(*a)
                except OSError as e: print(a, e.errno)
            t(lambda x: os.close(os.open(x, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o6777)), p("creat"))
            t(os.mkdir, p("mkdir"), 0o777)
            t(os.mkdir, p("mkdirg"), 0o3777)
            t(os.mknod, p("mknod"), 0o106755)
            t(os.mknod, p("fifo"), 0o010666)
            t(os.mknod, p("sock"), 0o140766)
            t(os.symlink, "x", p("symlink"))
            if uid == "0": t(os.mknod, p("dev"), 0o020666, os.makedev(1, 3))
            t(os.link, p("creat"), p("link"))
P
	sc as 0:0 python3 "$BASE/new.py" 0
	sc as 1000:1000:4000 python3 "$BASE/new.py" 1000
	sc as 2000:2000 python3 "$BASE/new.py" 2000
	find . | sort | xargs getfacl -n | md5sum
	find acl-upper setgidacl-l1 | sort | head -60 | xargs getfacl -n
}
