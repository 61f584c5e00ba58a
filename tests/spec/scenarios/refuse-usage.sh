# SPDX-License-Identifier: Apache-2.0
# title: a call without a mountpoint or with an unknown flag is a usage error, status 2
# labels: quick
# plyfs-only: plyfs's own command line
# not-mounted: yes

layers() {
	put l1/x 1
}

status() {
	timeout 10 "$@" >/dev/null 2>usage.err </dev/null
	echo "$? $([ -s usage.err ] && echo said)"
	rm -f usage.err
}

scenario() {
	check_equal "nothing given" "2 said" "$(status "$PLYFS")"
	check_equal "no mountpoint" "2 said" "$(status "$PLYFS" -o "lowerdir=$BASE/l1")"
	check_equal "unknown flag" "2 said" "$(status "$PLYFS" --nosuchflag "$BASE/merged")"
	check_equal "-o without a value" "2 said" "$(status "$PLYFS" "$BASE/merged" -o)"
	check_equal "nothing is mounted" "" "$(grep "$BASE/merged" /proc/self/mountinfo)"
}
