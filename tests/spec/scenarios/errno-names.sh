# SPDX-License-Identifier: Apache-2.0
# title: names and paths that are too long, too deep in links or of the wrong kind have the kernel's errno
# labels: quick

layers() {
	put l1/file "content"
	put l1/dir/x 1
	mkdir -p l1/empty l2/low/sub
	ln -s loop l1/loop
	ln -s "$(printf '%0256d' 0)" l1/long-target
	ln -s a l1/b
	ln -s b l1/a
}

scenario() {
	local n256 n255 path i chain=file call

	n255=$(printf '%0255d' 0) n256=$(printf '%0256d' 0)
	for call in "touch" "mkdir" "ls -d" "rm" "rmdir" "ln -s x" "ln file" "mv file" "chmod 600" "setfattr -n user.a -v 1"; do
		echo "$call: $($call "$n256" 2>&1 | sed 's/.*: //')"
	done
	echo "source: $(mv "$n256" x 2>&1 | sed 's/.*: //')"
	try sc mknod "$n256" fifo 644
	try sc statx "$n256"
	# a path of 4095 bytes works, one of 4096 doesn't
	path=$(printf './%.0s' $(seq 2045))file
	echo "path of ${#path}: $(cat "$path" 2>&1 | sed 's/.*: //')"
	path=.$(printf '/%.0s' $(seq 4090))file
	echo "path of ${#path}: $(cat "$path" 2>&1 | sed 's/.*: //')"
	path=.$(printf '/%.0s' $(seq 4091))file
	echo "path of ${#path}: $(cat "$path" 2>&1 | sed 's/.*: //')"
	# the longest target of a link
	path=$(printf '%04095d' 0)
	echo "target of 4095: $(ln -s "$path" link4095 2>&1 | sed 's/.*: //')"
	readlink link4095 | wc -c
	echo "target of 4096: $(ln -s "${path}0" link4096 2>&1 | sed 's/.*: //')"
	echo "empty target: $(ln -s "" link0 2>&1 | sed 's/.*: //')"
	# loops, and chains of 40 and 41
	for call in cat "ls -L" "touch" "chmod 600"; do
		echo "$call: $($call loop 2>&1 | sed 's/.*: //')"
	done
	try cat a/x
	try sc fd open:loop:r,nofollow open:loop:rw,creat
	try mkdir loop/x
	echo "through a long target: $(cat long-target 2>&1 | sed 's/.*: //')"
	for i in $(seq 41); do
		ln -s "$chain" "chain$i"
		chain=chain$i
	done
	try cat chain40
	try cat chain41
	# kinds
	try cat file/x
	try rmdir file
	try sc rename dir file
	try sc rename file dir
	try sc rename empty dir
	try sc rename low dir
	try rmdir dir
	try rmdir low
	try sc rename dir dir/x/y
	try sc rename dir dir/new
	try sc rename missing new
	try rmdir .
	try rmdir dir/.
	try rm missing
	try mkdir dir
	try mkdir missing/new
	try ln dir link
	try sc fd open:dir:w open:dir:r,creat open:file:r,creat,excl open:missing:r,dir
	try ls -A
}
