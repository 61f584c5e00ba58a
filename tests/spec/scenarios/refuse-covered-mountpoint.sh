# SPDX-License-Identifier: Apache-2.0
# title: a mountpoint that covers one of its own layers is refused at once
# labels: quick
# timeout: 90
# plyfs-only: the kernel's overlayfs reaches the covered layer by its own reference
# not-mounted: yes

layers() {
	put l1/x 1
	mkdir -p top/low top/up top/work
	put top/low/y 1
}

scenario() {
	refuse "covers lower" "[a-z]+: $BASE/top(/low)?: .+" "lowerdir=$BASE/top/low,upperdir=$BASE/upper,workdir=$BASE/work" "$BASE/top"
	refuse "covers upper" "[a-z]+: $BASE/top(/up)?: .+" "lowerdir=$BASE/l1,upperdir=$BASE/top/up,workdir=$BASE/top/work" "$BASE/top"
	refuse "is the lower" "[a-z]+: $BASE/l1: .+" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work" "$BASE/l1"
	refuse "is the upper" "[a-z]+: $BASE/upper: .+" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work" "$BASE/upper"
	limit 5 ls -A "$BASE/top" "$BASE/l1"
}
