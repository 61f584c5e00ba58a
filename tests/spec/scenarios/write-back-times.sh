# SPDX-License-Identifier: Apache-2.0
# title: with the write-back cache a file's modification time is after a remount what it was before, and nothing is copied or built again
# labels: quick
# options: writeback
# needs: python3 git make rsync tar
# expect-diff: ^observations:.change.times the kernel keeps the change time to itself, and nothing can set one

layers() {
	local i

	for i in $(seq 50); do echo "$i" >"l1/low$i"; done
	mkdir l1/project
	printf 'all: b c\nb c: a\n\tcp a $@\n' >l1/project/Makefile
	echo a >l1/project/a
	mkdir outside
	for i in $(seq 100); do echo "$i" >"outside/f$i"; done
	touch -d 2011-02-03T04:05:06.7 outside/f5
}

# Each file is made and changed within a tick of the kernel's clock, where it takes the time to be the same, or is written back while
# it is open, where the time may come before the data.
write_files() {
	python3 - <<-'END'
		import mmap, os

		def new(name, flags=0):
		    return os.open(name, os.O_RDWR | os.O_CREAT | flags)

		source = new("source")
		os.write(source, b"s" * 300000)
		held = []
		for i in range(40):
		    f = new(f"written{i}")
		    os.write(f, b"x" * 5000)
		    os.close(f)
		    f = new(f"allocated{i}")
		    os.posix_fallocate(f, 0, 9000)
		    os.close(f)
		    f = new(f"truncated{i}")
		    os.ftruncate(f, 9000)
		    os.close(f)
		    f = new(f"copied{i}")
		    os.copy_file_range(source, f, 300000, 0)
		    os.close(f)
		    f = new(f"direct{i}", os.O_DIRECT)
		    os.pwrite(f, mmap.mmap(-1, 4096), 0)
		    os.close(f)
		    f = new(f"mapped{i}")
		    os.ftruncate(f, 8192)
		    m = mmap.mmap(f, 8192)
		    m[0:3] = b"abc"
		    os.close(f)
		    f = new(f"held{i}")
		    os.write(f, b"x" * 100000)
		    held.append((f, m))
		os.system("sync -f .")
		for f, m in held:
		    m[4096:4099] = b"def"
		os.system("sync -f .")
		for f, m in held:
		    os.close(f)
	END
}

times_of() {
	find . -path ./repository/.git -prune -o -type f -printf "%p %s $1\n" | sort
}

# same WHAT BEFORE AFTER
same() {
	if [ "$2" = "$3" ]; then echo "$1 are as before"; else echo "$1 are others"; fi
}

build() {
	make -C project | grep -c '^cp'
}

scenario() {
	local modified changed i

	write_files
	for i in $(seq 50); do echo more >>"low$i"; done
	for i in $(seq 50); do echo more >"touched$i" && touch -d "2001-02-03 04:05:$((i % 60)).123456789" "touched$i"; done
	cp -rp "$BASE/outside" copy
	tar -C "$BASE" -cf - outside | tar -xf -
	rsync -a "$BASE/outside/" synced/
	check_equal "everything is built" 2 "$(build)"
	git init -q -b main repository
	cp "$BASE/outside/f1" "$BASE/outside/f2" repository
	git -C repository add f1 f2
	modified=$(times_of %T@) changed=$(times_of %C@)
	remount
	same "modification times" "$modified" "$(times_of %T@)"
	diff <(echo "$modified") <(times_of %T@) | head -4
	same "change times" "$changed" "$(times_of %C@)"
	check_equal "nothing is built again" 0 "$(build)"
	check_equal "rsync has nothing to transfer" "" "$(rsync -ai "$BASE/outside/" synced/; rsync -ai "$BASE/outside/" copy/; rsync -ai "$BASE/outside/" outside/)"
	check "git finds nothing changed, by times and sizes alone" git -c core.trustctime=false -C repository diff-files --quiet
	rm -rf repository/.git
}
