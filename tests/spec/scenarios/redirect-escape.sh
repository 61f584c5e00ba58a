# SPDX-License-Identifier: Apache-2.0
# title: a redirect that climbs, or is malformed, shows nothing of another place
# labels: quick
# may-diff: ^observations: the errno differs for what climbs
# may-diff: stat:E(ACCES|INVAL)$ likewise

set_redirect() {
	mkdir -p "l1/$1"
	setfattr -n trusted.overlay.redirect -v "$2" "l1/$1"
}
layers() {
	put l2/there/x "x"
	mkdir -p secret
	put secret/passwd "s"
	set_redirect a ..
	set_redirect b /..
	set_redirect c /../secret
	set_redirect d /there/../../secret
	set_redirect e there/
	set_redirect f /there/
	set_redirect g //there
	set_redirect h /
	set_redirect i .
	set_redirect j a/b
}

scenario() {
	for d in a b c d e f g h i j; do
		try ls -A $d
		check "nothing of another place shows in $d" sh -c "! ls $d | grep -q ."
	done
	try ls there
}
