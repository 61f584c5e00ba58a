# SPDX-License-Identifier: Apache-2.0
# title: an upper whose file system gives an object another number by another name, or later, takes every change
# labels: quick
# not-mounted: yes

layers() {
	put l1/a "low a"
	put l1/dir/f "low f"
	put l1/dir/g "low g"
	put l1/dir/sub/h "low h"
	put l1/gone "low"
	mkdir -p m disk poor
}

over() {
	union "$BASE/m" "lowerdir=$BASE/l1,upperdir=$1/u,workdir=$1/w" || echo "FAIL: mount"
}

# In the root of the union. FORGET is a command by which the kernel forgets the numbers that it was told.
changes() {
	# As git makes an object: a link of a temp file, which goes.
	local object='echo object >tmp && ln tmp objects/1 && rm tmp && cat objects/1 && $FORGET && cat objects/1'

	try sh -c 'echo one >>a; cat a; $FORGET; echo two >>a; $FORGET; cat a'
	try sh -c 'printf X | dd of=dir/f bs=1 seek=1 conv=notrunc status=none; $FORGET; cat dir/f; truncate -s 3 dir/f; chmod 600 dir/f; stat -c "%a %s" dir/f'
	try sh -c 'echo new >new; mv new newer; $FORGET; echo er >>newer; cat newer; $FORGET; echo x >new; cat new'
	try sh -c 'mkdir d d/e; echo f >d/e/f; mv d moved; $FORGET; cat moved/e/f; echo g >>moved/e/f; mkdir d d/e; echo other >d/e/f; cat d/e/f moved/e/f'
	try sh -c 'mkdir objects'
	[ "$1" = none ] || try sh -c "$object"
	[ "$1" = none ] || try sh -c 'ln a a2; $FORGET; rm a; $FORGET; echo three >>a2; cat a2; mv a2 a'
	try sh -c 'mv dir/g moved/; rm gone; echo back >gone; $FORGET; cat moved/g gone'
	try sc fd open:keep:rw,creat write:abc sh:'$FORGET' fstat pread:0:10 sh:'rm keep; $FORGET' fstat pwrite:1:XX sh:'$FORGET' pread:0:10 fstat
	try sc fd open:a:rw sh:'echo n >n; mv n a; $FORGET' pread:0:20 sh:'cat a'
	try sh -c 'cd moved/e; $FORGET; cat f; mv ../../moved ../../again; $FORGET; cat f; ls .. ../..'
	try sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo $i >n$i; mv n$i m$i; done; $FORGET; cat m?; rm m?'
	# Nobody else gets a number that a known object has.
	try sh -c 'exec 5<again/e/f; mkdir x; echo 1 >x/f; mv x y; mkdir x; echo 2 >x/f; find . -links 1 -type f -printf "%i\n" | sort | uniq -d'
	try sh -c 'find . | sort; grep -r . . | sort'
}

scenario() {
	local words on

	for words in "attributes devices nodeids" "nodeids hidden" "nolinks nodeids" "attributes devices pathids hidden" "nolinks attributes pathids"; do
		on=$BASE/disk
		export FORGET=true
		if [ "$FS" = plyfs ]; then
			"$POOR" disk poor $words || echo "FAIL: poor"
			on=$BASE/poor
			export FORGET="$SC forget $BASE/poor"
		fi
		mkdir "$on/u" "$on/w"
		over "$on"
		echo "--- $words"
		cd m
		case $words in nolinks*) changes none ;; *) changes links ;; esac
		cd ..
		union_umount m || echo "FAIL: unmount"
		over "$on"
		try sh -c 'cd m && $FORGET && find . | sort && grep -r . . | sort && rm -r * && ls -A'
		union_umount m || echo "FAIL: unmount"
		rm -r "$on/u" "$on/w"
		[ "$FS" = kernel ] || umount poor
	done
}
