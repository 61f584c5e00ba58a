# SPDX-License-Identifier: Apache-2.0
# title: in a user namespace with one id, what others own in a layer shows the overflow ids, can be read, and can't be changed or removed
# labels: quick
# not-mounted: yes
# needs: setpriv setfattr
# expect-diff: observations:.[a-z]+:.*theirs/.*:.(Value|Permission|Operation) the error is that of the kernel's check before FUSE
# expect-diff: observations:.[a-z]+:.*closed.*:.(Value|Permission|Operation|Directory) likewise

# The user owns some; the owner of the others isn't mapped in the namespace, whatever the mode permits.
layers() {
	local who dir op

	mkdir -p l1/own l1/theirs
	for who in own theirs; do
		for op in read write append truncate chmod chown chgrp touch xattr link rename remove flags; do
			put "l1/$who/$op" "$who"
		done
		mkdir "l1/$who/dir" "l1/$who/empty"
		put "l1/$who/dir/x" "$who"
		ln -s read "l1/$who/symlink"
	done
	chown -R -h 1000:1000 l1/own upper work
	chown -R -h 4000:4001 l1/theirs
	chmod -R a+rwX l1/theirs
	chown 1000:4001 l1/own/chgrp
	mkdir l1/closed
	put l1/closed/x closed
	chown -R 4000:4001 l1/closed
	chmod 600 l1/closed/x
	chown 1000:1000 l1 merged
	chown 1000:1000 .
}

scenario() {
	# The build may lie where the user can't look.
	[ "$FS" = kernel ] || { fuse_for_all dev; cp "$PLYFS" plyfs; }
	cat >inside.sh <<-'END'
		t() { echo "\$ $*"; "$@" 2>&1 || echo "status $?"; }
		show() { stat -c '%n %F %u:%g %a' "$@" 2>&1; }
		if [ "$FS" = kernel ]; then
			LIBMOUNT_FORCE_MOUNT2=always mount -t overlay -o "userxattr,lowerdir=l1,upperdir=upper,workdir=work" overlay merged || exit
		else
			./plyfs -o "userxattr,lowerdir=l1,upperdir=upper,workdir=work,pidfile=$PWD/pid" merged || exit
		fi
		cd merged
		for who in own theirs; do
			echo "== $who"
			show "$who"/* "$who/dir/x"
			t cat "$who/read"
			t dd "of=$who/write" conv=notrunc status=none <<<new
			t sh -c "echo more >>$who/append"
			t truncate -s 2 "$who/truncate"
			t chmod 640 "$who/chmod"
			t chown 0 "$who/chown"
			t chgrp 0 "$who/chgrp"
			t touch -d @1000 "$who/touch"
			t setfattr -n user.x -v y "$who/xattr"
			t ln "$who/link" "$who/second"
			t mv "$who/rename" "$who/renamed"
			t rm "$who/remove"
			t sh -c "echo again >$who/remove"
			t mkdir "$who/dir/made"
			t sh -c "echo new >$who/dir/new"
			t rm -r "$who/empty"
			t rm "$who/symlink"
			t sh -c "echo replaced >$who/replacing; mv $who/replacing $who/flags"
			show "$who"/* "$who"/dir/*
			cat "$who"/* 2>/dev/null
		done
		echo "== closed"
		show closed
		t cat closed/x
		t chmod 666 closed/x
		t rm closed/x
		t rmdir closed
		cd ..
		umount merged
		while kill -0 "$(cat pid 2>/dev/null)" 2>/dev/null; do sleep 0.05; done
	END
	setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Urm --propagation private bash inside.sh || echo "FAIL: status $?"
	(cd upper && find . -printf '%p %y %U:%G %m\n' | sort)
}
