# SPDX-License-Identifier: Apache-2.0
# title: what has taken an open file's name while it was looked up is never taken for the file
# labels: quick
# needs: strace

# What is at the name f when it is looked up. Of "exchanged" the file has another name then, of the others "moved" or "other".
EXCHANGED="file directory symlink socket fifo device unreadable"
ALL="whiteout unlinked missing replaced $EXCHANGED"

layers() {
	local kind

	for kind in $ALL; do
		fill $([ $kind = missing ] && echo upper || echo l1)/$kind/f 8k
		fill upper/$kind/taker 4k 7
	done
	rm upper/{directory,symlink,socket,fifo,device}/taker
	put upper/directory/taker/x x
	ln -s f upper/symlink/taker
	"$SC" mknod upper/socket/taker sock 600 >/dev/null
	mkfifo upper/fifo/taker
	mknod upper/device/taker c 200 1
	chmod 0 upper/unreadable/taker
	for kind in read copied; do
		fill l1/$kind/f 8k
	done
}

takes_name() {
	case $1 in
	whiteout | missing) echo rename:f:moved ;;
	unlinked) echo unlink:f ;;
	replaced) echo rename:taker:f ;;
	*) echo rename:taker:f:exchange ;;
	esac
}

# Some data is held back, and while the daemon looks for its file the name is taken.
written_back() {
	(cd "$1" && "$SC" fd open:f:rw mmap:rw:8192 store:10:STORED syncrange "$(takes_name "$1")" fsync pread:8:8)
}

# while_read KIND STEP...: the same while the file is read, by the daemon's first look at its data.
while_read() {
	local kind=$1
	shift

	cd "$kind"
	: >"$BASE/said"
	"$SC" fd "$@" >>"$BASE/said" &
	wait_until grep -q "^use" "$BASE/said"
	"$SC" fd "$(takes_name whiteout)"
	wait $!
	cut -c 1-60 "$BASE/said"
	cd ..
}

scenario() {
	local kind

	chmod 604 */f
	# With one more name nothing is opened when this one goes.
	ln unlinked/f unlinked/other
	ln replaced/f replaced/other
	# And nothing of what comes in its place.
	cat directory/taker/x {replaced,file}/taker >/dev/null
	cat {whiteout,unlinked,missing,replaced,file,directory,symlink,socket,fifo,device,unreadable}/f >/dev/null
	[ "$FS" = kernel ] || trace_daemon "$(cat "$BASE/merged.pid")" -e trace=openat2 -e inject=openat2:delay_enter=50000
	for kind in $ALL; do
		echo "$kind:"
		written_back $kind
	done
	while_read read open:f:r,direct use:0 dread:0:4096
	while_read copied open:f:r open:new:rw,creat use:0 copyto:1:0:0:8192
	cmp copied/moved copied/new
	[ "$FS" = kernel ] || trace_end
	return 0
}
