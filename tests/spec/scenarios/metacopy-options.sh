# SPDX-License-Identifier: Apache-2.0
# title: data-only layers need a layer above, overlap with none, and are refused in one line otherwise
# labels: quick
# plyfs-only: what is refused, and how
# not-mounted: yes

layers() {
	mkdir -p d1/sub
	put l1/file 1
}

scenario() {
	local upper=upperdir=upper,workdir=work

	refuse "data-only layers alone" "lowerdir: ::d1: empty layer" "lowerdir=::d1,$upper" merged
	refuse "data-only layers alone, one by one" "lowerdir: not given" "datadir+=d1,$upper" merged
	refuse "a layer behind a data-only one" "lowerdir: l2: a layer can't follow a data-only one" "lowerdir=l1::d1:l2,$upper" merged
	refuse "the same directory" "datadir: l1: the same directory as lowerdir l1" "lowerdir=l1::l1,$upper" merged
	refuse "one inside the other" "datadir: d1/sub: lies inside datadir d1" "lowerdir=l1::d1::d1/sub,$upper" merged
	refuse "none there" "datadir: nowhere: No such file or directory" "lowerdir=l1,datadir+=nowhere,$upper" merged
	refuse "the upper" "(upperdir|datadir): .*" "lowerdir=l1::upper,$upper" merged
	refuse "metacopy without redirects" "metacopy: on: needs redirect_dir=on" "lowerdir=l1,metacopy=on,redirect_dir=nofollow,$upper" merged
	refuse "metacopy with user xattrs" "metacopy: on: excludes userxattr" "lowerdir=l1,metacopy=on,userxattr,$upper" merged
	refuse "verity" "verity: require: not supported yet" "lowerdir=l1,metacopy=on,verity=require,$upper" merged
}
