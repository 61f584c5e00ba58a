# SPDX-License-Identifier: Apache-2.0
# title: with timeout=0 what is looked up, removed and made during a listing makes it neither skip nor double a name
# labels: quick
# options: timeout=0

layers() {
	mkdir -p l1/purged l1/dir l2/dir
	(cd l1/purged && seq -f low%.0f 1000 | xargs touch)
	(cd l1/dir && seq -f n%.0f 0 2 399 | xargs touch)
	(cd l2/dir && seq -f n%.0f 0 3 399 | xargs touch)
}

scenario() {
	local seed

	(cd purged && seq -f new%.0f 1000 | xargs touch)
	try sc purge purged 4096
	try ls -A purged
	for seed in 1 2; do
		try sc streams dir dir $seed 1000
	done
	rm -r dir
}
