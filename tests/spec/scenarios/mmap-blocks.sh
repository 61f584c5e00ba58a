# SPDX-License-Identifier: Apache-2.0
# title: st_blocks counts what was stored to a hole through a mapping, at the latest when it is unmapped
# labels: quick
# needs: python3
# expect-diff: observations:.mapped the kernel tells the daemon of a page when it writes it

layers() {
	truncate -s 64K l1/low
}

scenario() {
	truncate -s 64K new
	for file in new low; do
		for end in flush close; do
			python3 - $file $end <<-'END'
				import mmap, os, sys
				name, end = sys.argv[1:]
				fd = os.open(name, os.O_RDWR)
				os.ftruncate(fd, 0)
				os.ftruncate(fd, 65536)
				m = mmap.mmap(fd, 65536)
				m[:] = b"\xab" * 65536
				print("mapped:", name, os.stat(name).st_blocks > 0)
				getattr(m, end)()
				print(end, name, os.stat(name).st_blocks >= 128)
			END
		done
	done
}
