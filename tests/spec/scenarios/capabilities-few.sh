# SPDX-License-Identifier: Apache-2.0
# title: users keep the rights of their groups where the daemon lacks a capability to act as them
# labels: quick
# plyfs-only: the daemon runs with fewer capabilities
# needs: setpriv python3 setfacl
# not-mounted: yes

layers() {
	local dir

	mkdir -p upper/own upper/set upper/acl l1/low
	chown root:500 upper/own upper/set upper/acl l1/low
	chmod 0775 upper/own l1/low
	chmod 2775 upper/set
	chmod 0770 upper/acl
	setfacl -d -m u:7:rwx,g::r-x,o::--- upper/acl
	put l1/low/gone lower
	for dir in upper/own upper/set l1/low; do
		put $dir/shared shared
		chown root:500 $dir/shared
		chmod 0664 $dir/shared
	done
}

# use DIR: by a user who may write there as a member of a group that isn't his first one; and by one who may not.
use() {
	cat >use.sh <<-'END'
		# What a member of the group may do with the names here, and with a file that it may write.
		change() {
			mkfifo other
			ln link second
			mv second link.moved
			ln -s x old
			mv -T file old
			mkdir empty
			rmdir empty
			mv dir dir.moved
			mv dir.moved dir
			mv old file
			rm other link.moved
			[ ! -w shared ] || python3 -c '
import os
os.truncate("shared", 3)
os.utime("shared")
os.setxattr("shared", "user.x", b"1")
os.link("shared", "shared.link")
os.rename("shared.link", "shared.moved")
with open("shared", "ab") as f: f.write(b"more")
os.unlink("shared.moved")
print("shared", open("shared", "rb").read(), os.getxattr("shared", "user.x"))
'
		}
		for dir in own set acl low; do
			cd "$dir" || exit
			umask 027
			echo made >file; mkdir dir; ln -s file link; mkfifo fifo
			python3 -c '
import os, stat
try: fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o4660)
except OSError as e: print("no O_TMPFILE", e.errno)
else:
    st = os.fstat(fd)
    print("nameless", st.st_uid, st.st_gid, oct(st.st_mode))
    os.write(fd, b"written")
    os.link("/proc/self/fd/%d" % fd, "named", src_dir_fd=fd)
    print("named", os.pread(fd, 10, 0), oct(os.stat("named").st_mode))
    os.unlink("named")
'
			change
			[ ! -e gone ] || { rm gone; echo again >gone; mkdir gone.d; }
			stat -c '%n %F %u:%g %a' * | grep -v ^gone
			cat file
			cd ..
		done
	END
	chmod 644 use.sh
	(cd merged && setpriv --reuid 1000 --regid 1000 --groups 500 --inh-caps=-all --bounding-set=-all sh "$BASE/use.sh") 2>&1
	(cd merged && setpriv --reuid 1001 --regid 1001 --clear-groups --inh-caps=-all --bounding-set=-all sh -c '
		for dir in own set acl low; do touch $dir/stranger; done') 2>&1
	(cd merged && touch own/root && stat -c '%n %u:%g %a' own/root low/gone)
}

# without CAPABILITY...: what is seen
without() {
	rm -rf upper work
	cp -a before upper
	mkdir work
	printf '#!/bin/sh\nexec setpriv --bounding-set=%s "%s" "$@"\n' "$(printf -- ',-%s' "$@" | cut -c2-)" "$REAL" >weak
	chmod 755 weak
	PLYFS=$BASE/weak
	union "$BASE/merged" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work" || echo "FAIL: without $*: mount"
	use
	union_umount "$BASE/merged" || echo "FAIL: without $*: unmount"
}

scenario() {
	local caps

	REAL=$PLYFS
	cp -a upper before
	without mknod >all
	check "with all that is needed" grep -q '^file regular file 1000:500 640' all
	for caps in setpcap setuid "setpcap setgid" dac_override "setpcap dac_override"; do
		# shellcheck disable=SC2086 # several words
		without $caps >seen
		check_equal "without $caps" "" "$(diff all seen)"
	done
	cat all
}
