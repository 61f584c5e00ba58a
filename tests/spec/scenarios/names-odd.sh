# SPDX-License-Identifier: Apache-2.0
# title: names of any bytes work: newline, backslash, colon, quotes, not UTF-8, leading dashes and dots
# labels: quick

layers() {
	put "l1/new
line" 1
	put 'l1/back\slash' 2
	put 'l1/co:lon,comma=x' 3
	put "l1/$(printf '\377\376')" 4
	put 'l1/ lead and trail ' 5
	put 'l1/...' 6
	put 'l1/#1' 7
	put 'l1/%s%n' 8
}

scenario() {
	local f

	for f in * ...; do
		sh -c 'echo more >>"$1"; cat "$1"' sh "$f" | tr '\n' ' '
		ln "$f" "2$f"
	done
	rm ./*slash '#1'
	echo new >'#1'
	ls -A | od -An -c
}
