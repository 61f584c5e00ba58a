# SPDX-License-Identifier: Apache-2.0
# title: layers, upper and work directory that were copied elsewhere go on with their hard links
# labels: quick
# not-mounted: yes
# plyfs-only: the kernel refuses the copy with index=on, and without breaks the links

# In a store of its own, so that it is copied as one.
layers() {
	rm -rf l1 upper work
	mkdir -p store/l1/dir store/l2 store/upper store/work upper work
	cd store
	local f
	for f in changed removed orphan renamed copied left dir/moved; do
		put l1/$f-1 "old $f"
		ln l1/$f-1 l1/$f-2
	done
	put l2/below-1 "below"
	mkdir l2/sub
	ln l2/below-1 l2/sub/below-2
	ln l2/below-1 l1/across 2>/dev/null
	ln -s target l1/symlink-1
	ln -P l1/symlink-1 l1/symlink-2
	put l1/single "single"
	cd ..
}

start() { # STORE [OPTIONS]
	mount_plyfs "$BASE/merged" "lowerdir=$1/l1:$1/l2,upperdir=$1/upper,workdir=$1/work,redirect_dir=on${2:+,$2}" || return
	mount_minor "$BASE/merged" >>"$MINORS"
}

stop() {
	union_umount "$BASE/merged"
}

change() {
	cd merged
	echo more >>changed-1
	echo more >>removed-1
	rm removed-2
	echo more >>orphan-1
	rm orphan-1
	echo more >>renamed-1
	mv renamed-1 new-name
	echo more >>copied-1
	ln copied-2 copied-3
	echo more >>dir/moved-1
	mv dir moved
	rm left-1
	echo more >>sub/below-2
	chown -h 7:7 symlink-1
	echo more >>single
	# names of two groups change places
	mv changed-1 t
	mv copied-1 changed-1
	mv t copied-1
	cd ..
}

# What all names show, with one number for each group.
look() {
	(cd merged && find . -printf '%P %y %n %s %u %l\n' | sort && find . -type f | sort | xargs cat)
	(cd merged && [ changed-2 -ef copied-1 ] && [ copied-2 -ef changed-1 ] && [ copied-2 -ef copied-3 ] && [ renamed-2 -ef new-name ] &&
		[ moved/moved-1 -ef moved/moved-2 ] && [ below-1 -ef sub/below-2 ] && echo "links hold")
}

# An archive has times in whole seconds.
from_archive() {
	mkdir archived
	tar -C store --xattrs -cf - . | tar -C archived --xattrs --xattrs-include='*' -xpf -
	check "what an archive brought back is mounted" start archived
	check_equal "and shows the same" "$1" "$(look | sed '/^left-2/d')"
	stop
	rm -rf archived
}

# Layers elsewhere, and not the upper; and back again.
layers_alone() {
	mkdir kept
	mv store/l? kept
	cp -a kept/l? store
	check "over copied layers alone the upper is mounted" start store
	check_equal "and shows the same" "$1" "$(look | sed '/^left-2/d')"
	stop
	rm -rf store/l?
	mv kept/l? store
}

# In a user namespace, with xattrs in user.*, which symlinks can't have.
in_namespace() {
	rm -rf copy/upper copy/work user
	mkdir copy/upper copy/work
	unshare -Urm bash -c '
		try() {
			"$PLYFS" -o "lowerdir=$1/l1:$1/l2,upperdir=$1/upper,workdir=$1/work,pidfile=$PWD/pid" merged && pid=$(cat pid) && shift
			"$@"
			umount merged
			while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
		}
		try copy sh -c "echo more >>merged/changed-1; chmod 400 merged/changed-2" && cp -a copy user &&
			try user sh -c "cat merged/changed-2; echo again >>merged/changed-2; tail -1 merged/changed-1"' >ns.out 2>ns.err
	check "in a user namespace the copy is mounted" grep -q "index: rebuilt" ns.err
	check_equal "and shows the links" "old changed more again" "$(echo $(cat ns.out))"
	rm -rf user ns.out ns.err pid
}

scenario() {
	local seen was
	start store
	change
	seen=$(look)
	stop
	check "its links hold before" grep -q "links hold" <<<"$seen"
	cp -a store copy
	check "the copy is mounted" start copy
	check "which is told" grep -q "index: rebuilt" merged.log
	was=$(sed '/^left-2/d' <<<"$seen")
	check_equal "it shows the same" "$was" "$(look | sed '/^left-2/d')"
	(cd merged && echo again >>changed-2 && echo again >>orphan-2 && rm removed-1 moved/moved-1 && echo again >>moved/moved-2)
	check_equal "what is written by one name is read by the other" "again" "$(tail -1 merged/copied-1)"
	seen=$(look)
	stop
	check "a second mount" start copy
	check "says nothing of it" sh -c '! grep -q "index: rebuilt" merged.log'
	check_equal "and shows the same" "$seen" "$(look)"
	stop
	check "the kernel agrees that it is the index of these layers" mount -t overlay o \
		-o "index=on,redirect_dir=on,lowerdir=copy/l1:copy/l2,upperdir=copy/upper,workdir=copy/work" merged
	check "and shows the links" [ merged/changed-2 -ef merged/copied-1 ]
	umount merged
	from_archive "$was"
	layers_alone "$was"
	in_namespace
	start store
	check_equal "the original is as it was" "$was" "$(look | sed '/^left-2/d')"
	stop
}
