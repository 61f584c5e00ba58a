# SPDX-License-Identifier: Apache-2.0
# title: without privilege too a union can be mounted over its own layers, and is one mount when it is asked for twice
# labels: quick
# plyfs-only: without clones of the layers' mounts, or with recursive ones
# needs: setpriv unshare fusermount3
# not-mounted: yes

layers() {
	put l1/f lower
	put l1/d/x lower
}

make() {
	rm -rf r
	mkdir -p r/lower r/upper/u r/work
	cp -a l1/. r/lower
	chown -R nobody r
}

# What is done there, as the user.
make_script() {
	cat >"$BASE/use.sh" <<-'END'
		b=$1 point=$2
		shift 2
		"$b/plyfs" -o "lowerdir=$b/r/lower,upperdir=$b/r/upper,workdir=$b/r/work,pidfile=$b/r.pid/pid" "$point" || exit
		pid=$(cat "$b/r.pid/pid")
		# The same again mounts nothing.
		timeout 10 "$b/plyfs" -o "lowerdir=$b/r/lower,upperdir=$b/r/upper,workdir=$b/r/work" "$point" || exit
		[ "$(grep -c " $point " /proc/self/mountinfo)" = 1 ] || exit
		cd "$point"
		find . ! -name '*.pid' | sort | tr '\n' ' '
		cat f d/x
		echo new >new; rm f; mv d/x d/y; echo more >>d/y; mkdir made
		find . ! -name '*.pid' | sort | tr '\n' ' '
		cat d/y
		cd /
		"$@" "$point" || exit
		while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
	END
	chmod 644 "$BASE/use.sh"
}

# over CLAIM MOUNTPOINT UNMOUNT... -- WAY...
over() {
	local claim=$1 point=$BASE/$2 umount=$3
	shift 3
	mkdir -p r.pid && chown nobody r.pid
	# what hangs would hang for ever
	timeout -k 1 20 setpriv --reuid nobody --clear-groups --inh-caps=-all "$@" sh "$BASE/use.sh" "$BASE" "$point" $umount >said 2>&1 ||
		echo "FAIL: $claim: status $?"
	check_equal "$claim: what is seen" ". ./d ./d/x ./f ./u lower lower . ./d ./d/y ./made ./new ./u lower more" \
		"$(tr -s '\n ' ' ' <said | sed 's/ $//')"
	check_equal "$claim: what is left" "lower lower lower more new" "$(echo $(cat r/lower/f r/lower/d/x r/upper/d/y r/upper/new))"
}

scenario() {
	local point

	fuse_for_all dev
	cp "$PLYFS" plyfs
	make_script
	cp -a l1 low && chown -R nobody low
	for point in r r/lower r/upper r/work; do
		make
		over "$point by fusermount3" $point "fusermount3 -u" env
		make
		over "$point in a user namespace" $point umount unshare -Urm
	done
	for point in r/lower/d r/upper/u; do
		make
		over "$point in a user namespace" $point umount unshare -Urm
	done
	make
	mount --bind low r/lower
	over "above a mount by fusermount3" r "fusermount3 -u" env
	umount r/lower
	make
	mount --bind low r/lower
	over "above a mount in a user namespace" r umount unshare -Urm
	umount r/lower
}
