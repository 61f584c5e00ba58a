# SPDX-License-Identifier: Apache-2.0
# title: rename, with each flag, of each kind of entry onto each other kind, and what is left, as the kernel does it where it makes redirects
# timeout: 120
# expect-diff: :.plain/[a-z]+-udir\| where the upper refuses the rename, the kernel has touched the directory already
# expect-diff: upper:.plain/[a-z]+-udir/a\| likewise it has marked what was to be moved
# options: redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=off,xino=off

KINDS="none lfile ufile cfile ldir udir mdir medir odir wdir wh sym lfifo uover"

# make KIND NAME: an entry of a kind, over the layers l1 (top), l2 and the upper.
make() {
	local kind=$1 at=$2
	case $kind in
	none) ;;
	lfile) put "l2/$at" "lower $at" ;;
	ufile) put "upper/$at" "upper $at" ;;
	cfile) put "l2/$at" "below $at"; put "l1/$at" "covers $at" ;;
	ldir) put "l2/$at/in" "lower $at" ;;
	udir) put "upper/$at/in" "upper $at" ;;
	mdir) put "l2/$at/in" "lower $at"; put "upper/$at/up" "upper $at" ;;
	medir) mkdir -p "l2/$at" "upper/$at" ;;
	odir) put "l2/$at/in" "hidden $at"; mkdir -p "upper/$at"; opaque "upper/$at" ;;
	wdir) put "l2/$at/in" "hidden $at"; mkdir -p "upper/$at"; whiteout "upper/$at/in" ;;
	wh) put "l2/$at" "hidden $at"; whiteout "upper/$at" ;;
	sym) mkdir -p "l2/${at%/*}"; ln -s "to $at" "l2/$at" ;;
	lfifo) mkdir -p "l2/${at%/*}"; mkfifo "l2/$at" ;;
	uover) mkdir -p "l2/$at"; put "upper/$at" "over a directory $at" ;;
	esac
}

layers() {
	local from to mode

	for mode in plain noreplace exchange; do
		for from in $KINDS; do
			for to in $KINDS; do
				mkdir -p "l2/$mode/$from-$to" "upper/$mode/$from-$to"
				make $from "$mode/$from-$to/a"
				make $to "$mode/$from-$to/b"
			done
		done
	done
}

scenario() {
	local from to mode

	for mode in plain noreplace exchange; do
		for from in $KINDS; do
			for to in $KINDS; do
				cd "$mode/$from-$to"
				echo "$mode $from $to: $("$SC" rename a b ${mode#plain}) $(ls -A | tr '\n' ' ')"
				cd ../..
			done
		done
	done
	find . | sort | md5sum
	remount
	find . | sort | md5sum
}
