# SPDX-License-Identifier: Apache-2.0
# title: a long row of changes of linked names gives the same files, links and counts
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off
# may-diff: ^(upper):.* which names have their link in the upper, and the opaque xattr of new directories

layers() {
	local i d
	mkdir -p l1/d1 l1/d2 l1/d3
	for i in $(seq 1 12); do
		put l1/d1/f$i "file $i"
		for d in d2 d3; do ln l1/d1/f$i l1/$d/f$i; done
	done
}


state() {
	find . -type f -printf '%p %n %s %m ' -exec md5sum {} \; | awk '{print $1, $2, $3, $4, $5}' | sort
}

scenario() {
	local seed=4711 i a b d e
	mkdir made
	for i in $(seq 1 400); do
		seed=$(((seed * 1103515245 + 12345) % 2147483648)) a=$((seed / 65536 % 12 + 1)) d=$((seed / 16777216 % 3 + 1))
		seed=$(((seed * 1103515245 + 12345) % 2147483648)) b=$((seed / 65536 % 12 + 1)) e=$((seed / 16777216 % 3 + 1))
		case $((seed / 4096 % 9)) in
		0) echo "$i" >>d$d/f$a ;;
		1) rm -f d$d/f$a ;;
		2) [ ! -e d$d/f$a ] || mv d$d/f$a d$e/f$b ;;
		3) [ ! -e d$d/f$a ] || ln d$d/f$a made/l$i ;;
		4) [ ! -e d$d/f$a ] || chmod $((600 + seed / 1000 % 5 * 10)) d$d/f$a ;;
		5) [ ! -e d$d/f$a ] || ln -f d$d/f$a d$e/f$b ;;
		6) [ ! -e d$d/f$a ] || truncate -s $((seed % 300)) d$d/f$a ;;
		7) [ ! -e d$d/f$a ] || mv d$d/f$a made/m$i ;;
		8) [ $((i % 4)) != 0 ] || remount ;;
		esac 2>&1
		[ $((i % 20)) != 0 ] || { echo "after $i"; state; }
	done
	echo 3 >/proc/sys/vm/drop_caches
	state
	remount
	state
}
