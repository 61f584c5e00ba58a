# SPDX-License-Identifier: Apache-2.0
# title: what the kernel held back and a full upper refused is told by every later fsync, by each opener, until the file is forgotten
# plyfs-only: the kernel tells each opener once
# not-mounted: yes

layers() {
	mkdir m small
	fill l1/low 8k
	fill l1/big 1M
}

full() {
	dd if=/dev/zero of=small/filler bs=4k 2>/dev/null
}

# told FILE MODE: whether fsync answers ENOSPC
told() {
	"$SC" fd "open:m/$1:$2" fsync | tail -1 | grep -x 'fsync -> ENOSPC'
}

# over OPTIONS WHAT COMMAND...: a full upper, something that leaves data for the kernel to write, and who hears of it.
over() {
	local options=$1 file=$2 i
	shift 2

	mount -t tmpfs -o size=4m small small
	mkdir small/u small/w
	union "$BASE/m" "lowerdir=l1,upperdir=small/u,workdir=small/w$options" || echo "FAIL: mount"
	truncate -s 1M m/new
	put m/sound sound
	exec 5<"m/$file"
	full
	"$@"
	for i in 1 2; do
		check "$file$options: opener $i is told" told $file r
	done
	check "$file$options: an older descriptor is told" sh -c '! sync /proc/self/fd/5'
	check "$file$options: and again" sh -c '! sync /proc/self/fd/5'
	rm small/filler
	printf x | dd of="m/$file" conv=notrunc status=none
	check "$file$options: with room, and after a good write, still" told $file rw
	check "$file$options: another file isn't" sync m/sound
	for i in $(seq 100); do echo "$i" >"m/f$i"; done
	check "$file$options: after its descriptor went" told $file rw
	exec 5<&-
	union_umount "$BASE/m"
	umount small
}

stores() {
	"$SC" fd "open:m/$1:rw" mmap:rw:8192 store:0:LOST store:4096:LOST msync >/dev/null
}

writes() {
	"$SC" fd "open:m/$1:rw" pwrite:0:LOST pwrite:70000:LOST close >/dev/null
}

scenario() {
	over "" new stores new
	over "" big stores big
	over ",writeback" new stores new
	over ",writeback" new writes new
	over ",writeback" big writes big
}
