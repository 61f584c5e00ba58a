# SPDX-License-Identifier: Apache-2.0
# title: a redirect that climbs, or is malformed, shows nothing of another place
# labels: quick
# may-diff: ^observations: the errno differs for what climbs
# may-diff: stat:E(ACCES|INVAL)$ likewise

mark() {
	mkdir -p "l1/$1"
	setfattr -n trusted.overlay.redirect -v "$2" "l1/$1"
}
layers() {
	put l2/there/x "x"
	mkdir -p secret
	put secret/passwd "s"
	mark a ..
	mark b /..
	mark c /../secret
	mark d /there/../../secret
	mark e there/
	mark f /there/
	mark g //there
	mark h /
	mark i .
	mark j a/b
}

scenario() {
	for d in a b c d e f g h i j; do
		try ls -A $d
		check "nothing of another place shows in $d" sh -c "! ls $d | grep -q ."
	done
	try ls there
}
