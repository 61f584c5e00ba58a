# SPDX-License-Identifier: Apache-2.0
# title: each change sets the times of what it changes and of its directories, and no others, as the kernel does
# labels: quick
# base-options: relatime
# expect-diff: observations:.*dir,.listed a listing comes from what is remembered of the directory

layers() {
	local op kind
	for op in create mkdir mknod symlink link unlink rmdir rename renamein over exch chmod chown write trunc truncsame setx rmx utime readonly list writedeep recreate setxsame chmodsame flags flagsdir; do
		for kind in l1 upper; do
			mkdir -p $kind/$op.${kind#l1}/sub $kind/$op.${kind#l1}/dir
			put $kind/$op.${kind#l1}/f 1
			put $kind/$op.${kind#l1}/dir/x 1
			put $kind/$op.${kind#l1}/g 1
			setfattr -n user.a -v 1 $kind/$op.${kind#l1}/f
		done
	done
}

# since WHAT...: which of the objects' times are of after the mark.
since() {
	local p now=$1 t
	shift
	for p in "$@"; do
		[ -e "$p" ] || [ -L "$p" ] || { echo "    $p is gone"; continue; }
		for t in X Y Z; do
			[ "$(stat -c %.9$t "$p" | tr -d .)" -lt "$now" ] && printf '    %s' old || printf '    %s' new
		done
		echo " $p"
	done
}

# op NAME COMMAND: on what lies in the lower layer and on what lies in the upper.
op() {
	local at=$1 kind now listed
	shift
	for kind in "" upper; do
		# What follows changes names of the current directory and leaves it upwards.
		cd "$at.$kind" || { echo "FAIL: there is no $at.$kind"; return; }
		listed=
		[ "$kind$at" != upperreadonly ] || listed='s/ dir$/ dir, listed/'
		stat f g dir sub . dir/x >/dev/null
		sleep 0.02
		now=$(date +%s%N)
		sleep 0.02
		echo "$at on a ${kind:-lower} one: $*"
		eval "$@"
		since "$now" . f g dir dir/x sub new | sed "$listed"
		cd ..
	done
}

scenario() {
	op create 'echo >new'
	op mkdir mkdir new
	op mknod mkfifo new
	op symlink ln -s x new
	op link ln f new
	op unlink rm f
	op rmdir rmdir sub
	op rename mv f new
	op renamein mv f dir/y
	op over mv f g
	op exch 'sc rename f g exchange'
	op chmod chmod 600 f
	op chown chown 5 f
	op write 'echo 2 >>f'
	op trunc ': >f'
	op truncsame truncate -s 2 f
	op setx setfattr -n user.b -v 1 f
	op rmx setfattr -x user.a f
	op utime 'sc utimens f 5 6'
	op readonly 'cat f >/dev/null; ls dir >/dev/null'
	op writedeep 'echo 2 >dir/x'
	op recreate 'rm f; echo 2 >f'
	op setxsame setfattr -n user.a -v 1 f
	op chmodsame chmod 644 f
	op flags sc flags f +d
	op flagsdir sc flags dir +d
}
