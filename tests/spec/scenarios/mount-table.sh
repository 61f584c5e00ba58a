# SPDX-License-Identifier: Apache-2.0
# title: the mount table tells the type, the source and the flags of a union
# labels: quick
# expect-diff: ^observations:.(type|layers|source) a FUSE mount shows none of the file system's own options

layers() {
	put l1/a 1
}

scenario() {
	local id parent dev root point flags rest type source own

	while read -r id parent dev root point flags rest; do
		[ "$point" = "$BASE/merged" ] && read -r type source own <<<"${rest##*- }" && break
	done </proc/self/mountinfo
	echo "flags $flags"
	echo "type $type"
	echo "source $source"
	echo "layers $(tr ',' '\n' <<<"$own" | grep -E '^(lower|upper|work)dir' | sort | tr '\n' ' ')"
}
