# SPDX-License-Identifier: Apache-2.0
# title: processes that append while the file is copied up lose nothing, whole lines each
# needs: python3

layers() {
	fill l1/log 64M
}

scenario() {
	local n

	cat >"$BASE/append.py" <<'P'
import os, sys
fd = os.open("log", os.O_WRONLY | os.O_APPEND)
for i in range(2000):
    line = ("\n@%s %06d" % (sys.argv[1], i)).encode() * 1
    assert os.write(fd, line) == len(line)
os.close(fd)
P
	for n in a b c; do
		python3 "$BASE/append.py" $n &
	done
	wait
	for n in a b c; do
		echo "$n: $(tail -c +$((64 * 1048576 + 1)) log | grep -a -c "^@$n [0-9]\{6\}$") lines, $(tail -c +$((64 * 1048576 + 1)) log | grep -a "^@$n" | sort -c 2>&1 | wc -l) out of order"
	done
	stat_of '%n %s' log
	cmp -n $((64 * 1048576)) log "$BASE/l1/log" && echo same
	truncate -s 64M log
}
