# SPDX-License-Identifier: Apache-2.0
# title: a stream keeps its place where listings are dropped for memory and its directory is changed, copied up and moved meanwhile
# labels: quick
# options: cache_max=1,redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=off,xino=off

layers() {
	local i

	mkdir -p l1/lower l1/merged l2/merged
	(cd l1/lower && seq -f n%.0f 0 399 | xargs touch)
	(cd l1/merged && seq -f n%.0f 0 2 399 | xargs touch)
	(cd l2/merged && seq -f n%.0f 1 399 | xargs touch)
	for i in 1 2 3 4 5 6; do
		mkdir -p l1/others/$i
		touch l1/others/$i/file
	done
}

scenario() {
	local dir seed

	for dir in lower merged; do
		for seed in 1 2; do
			try sc streams $dir $dir $seed 1000 others/1 others/2 others/3 others/4 others/5 others/6
		done
		rm -r $dir
	done
}
