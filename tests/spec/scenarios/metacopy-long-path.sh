# SPDX-License-Identifier: Apache-2.0
# title: a file that was copied up without its data can be renamed and linked from wherever it is
# labels: quick
# options: metacopy=on,redirect_dir=on
# plyfs-only: the kernel answers EXDEV where the redirect would be too long

layers() {
	local name

	name=$(printf 'deep%0120d' 0)
	fill l1/$name/$name/$name/a 1M 1
	fill l1/$name/$name/$name/b 1M 2
	fill l1/$name/$name/$name/c 1M 3
}

scenario() {
	local name dir

	name=$(printf 'deep%0120d' 0)
	dir=$name/$name/$name
	try chmod 600 $dir/a $dir/b $dir/c
	try sc rename $dir/a $dir/a2
	try sc rename $dir/a2 a-deep
	try ln $dir/b b-deep
	try sc rename $dir/c $dir/c2
	for file in a-deep b-deep; do
		check "$file has its data" cmp $file "$BASE/l1/$dir/${file%-deep}"
	done
	check "c is where it was" cmp $dir/c2 "$BASE/l1/$dir/c"
}
