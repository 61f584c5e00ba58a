# SPDX-License-Identifier: Apache-2.0
# title: directories of a layer that other mounts cover, where these can't be left out, have numbers of their own, which readdir tells
# labels: quick
# plyfs-only: about a daemon in a user namespace
# not-mounted: yes

layers() {
	mkdir -p low/a low/b low/c
	put low/c/x 1
}

scenario() {
	fuse_for_all dev
	# In the new user namespace nobody may uncover what these hide.
	mount -t tmpfs a low/a
	mount -t tmpfs b low/b
	put low/a/hidden 1
	cat >inside.sh <<-'END'
		"$PLYFS" -o "lowerdir=low,upperdir=upper,workdir=work,pidfile=$PWD/pid" merged || exit
		echo numbers: $(ls -i merged | awk '{ print $1 }' | sort -u | wc -l)
		echo covered: $(ls merged/a 2>/dev/null)
		"$SC" inodes merged | grep -v '^\.\. ' | grep -E 'DIFFERS|WRONG'
		umount merged
		while kill -0 "$(cat pid 2>/dev/null)" 2>/dev/null; do sleep 0.05; done
	END
	SC=$SC unshare -Urm --propagation private bash inside.sh >out 2>&1 || echo "FAIL: status $?"
	check_equal "what is seen there" "numbers: 3 covered:" "$(echo $(cat out))"
	umount low/a low/b
}
