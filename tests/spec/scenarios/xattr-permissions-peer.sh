# SPDX-License-Identifier: Apache-2.0
# title: layers with owners, modes and types in attributes are exchanged with fuse-overlayfs
# plyfs-only: options of its own, and another program's
# needs: fuse-overlayfs setfattr getfattr
# not-mounted: yes

layers() {
	mkdir -p m disk/u disk/w
	mkdir -m 2775 l1/dir
	put l1/file 1
	chown 5:6 l1/file
	chmod 4755 l1/file
	put l1/dir/gone 1
	setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 l1/file
	sc mknod l1/null chr 666 1 3
	put l1/tree/x 1
}

# The peer is asked for by its path, because plyfs may have taken the name.
PEER=${PLYFS_TEST_PEER:-/usr/bin/fuse-overlayfs}
peer() {
	"$PEER" -o "$1" "$BASE/m" 2>/dev/null
}

# The name of the attribute that it uses; older ones have one of their own.
peer_form() {
	peer "lowerdir=$BASE/l1,upperdir=$BASE/disk/u,workdir=$BASE/disk/w,xattr_permissions=2"
	touch m/probe
	peer_gone
	getfattr -d -m override_stat disk/u/probe | sed -n 's/=.*//p' | grep override
	rm -rf disk/u disk/w
	mkdir disk/u disk/w
}

# make PREFIX: all kinds of things, in the mount.
make() {
	cd m
	umask 022
	echo x >$1.file
	# In this order: it forgets the owner at a chmod.
	chmod 1711 $1.file
	chown 1000:1001 $1.file
	mkdir -m 1770 $1.dir
	chown 3:4 $1.dir
	ln -s target $1.link
	# As root it makes real ones, without owner and mode; the older form has none for them.
	if [ $1 = mine ] && [ $STAT = user.containers.override_stat ]; then
		mkfifo $1.fifo
		mknod $1.chr c 5 1
		mknod $1.blk b 7 9
	fi
	setfattr -n security.note -v kept $1.file
	setfattr -n user.note -v kept $1.file
	cd ..
}

look() {
	(cd m && stat -c '%n %F %a %u:%g %t:%T' "$1".* && getfattr --only-values -n security.note "$1.file" && getfattr --only-values -n user.note "$1.file")
}

# What an object's attribute says, whatever its name and however much of it is written.
said() {
	local value

	value=$(getfattr --only-values -n $STAT "$1")
	# The older form has the type in the mode, or none.
	value=${value%:file}
	value=${value%:dir}
	[[ $value =~ ^([0-9]+:[0-9]+):(0*[0-7]*)$ ]] && printf '%s:%o' "${BASH_REMATCH[1]}" $((8#${BASH_REMATCH[2]} & 07777)) || printf '%s' "$value"
}

peer_gone() {
	umount m
	while pgrep -f "^$PEER .*$BASE/disk" >/dev/null; do sleep 0.05; done
}

# exchange NAME: both go on, in turn, with an upper of the form that its root has.
exchange() {
	local b=$BASE all=lowerdir=$BASE/l1,upperdir=$BASE/disk/u,workdir=$BASE/disk/w,xattr_permissions=2 mine theirs

	STAT=$1
	peer "$all" || echo "FAIL: the peer"
	make theirs
	chown 7:8 m/file
	rm -r m/tree
	theirs=$(look theirs)
	peer_gone
	union "$b/m" "$all,whiteouts=both" || echo "FAIL: plyfs doesn't mount what the peer wrote"
	check_equal "$1: plyfs reads what fuse-overlayfs wrote" "$theirs" "$(look theirs)"
	check_equal "$1: and copied" "7:8 tree gone" "$(stat -c %u:%g m/file) $([ -e m/tree ] || echo tree gone)"
	make mine
	chmod 700 m/dir
	rm m/dir/gone
	mine=$(look mine)
	check_equal "$1: things look alike" "${theirs//theirs./}" "$(look mine | grep -v -e special -e fifo | sed 's/^mine\.//')"
	union_umount m
	for f in file dir; do
		check_equal "$1: a $f is stored alike" "$(said disk/u/theirs.$f)" "$(said disk/u/mine.$f)"
	done
	check_equal "$1: and so are attributes" "$(cd disk/u && sc xattr list theirs.file | tr ' ' '\n' | grep note | sort)" \
		"$(cd disk/u && sc xattr list mine.file | tr ' ' '\n' | grep note | sort)"
	peer "$all" || echo "FAIL: the peer doesn't mount what plyfs wrote"
	check_equal "$1: fuse-overlayfs reads what plyfs wrote" "$mine" "$(look mine)"
	check_equal "$1: and copied" "2700 0:0 " "$(stat -c '%a %u:%g' m/dir) $(ls -A m/dir)"
	peer_gone
	rm -rf disk/u disk/w
	mkdir disk/u disk/w
}

scenario() {
	case $("$PEER" --version 2>&1 | tail -1) in
	*plyfs*) unsupported "fuse-overlayfs is plyfs here" ;;
	esac
	exchange "$(peer_form)"
}
