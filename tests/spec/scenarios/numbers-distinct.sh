# SPDX-License-Identifier: Apache-2.0
# title: no two files share an inode number, however many come, go, move and are copied up
# timeout: 120

layers() {
	local i

	for i in $(seq 1 150); do
		put "l1/d$((i % 10))/f$i" 1
		put "l2/d$((i % 10))/g$i" 2
	done
}

distinct() {
	check_equal "$1" "" "$(find . \( -type d -o -links 1 \) -printf '%i\n' | sort | uniq -d)"
	check_equal "$1: readdir agrees" "" "$(for d in d1 d5; do "$SC" inodes $d; done | grep -v '^\.\. ' | grep -E 'DIFFERS|WRONG')"
}

scenario() {
	local round i

	distinct "as it was"
	for round in 1 2 3 4; do
		for i in $(seq "$round" 7 150); do
			echo more >>"d$((i % 10))/g$i"
			mv "d$((i % 10))/g$i" "d$(((i + 1) % 10))/moved$round.$i"
			echo new >"d$((i % 10))/new$round.$i"
			ln "d$((i % 10))/new$round.$i" "d$((i % 10))/link$round.$i"
		done
		for i in $(seq "$((round + 4))" 11 150); do
			rm -f "d$((i % 10))/f$i"
			mkdir -p "d$((i % 10))/f$i/sub"
		done
		distinct "round $round"
		remount
		distinct "round $round, mounted again"
	done
}
