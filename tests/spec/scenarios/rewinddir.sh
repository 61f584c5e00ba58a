# SPDX-License-Identifier: Apache-2.0
# title: rewinddir shows names that were made or removed since
# labels: quick

layers() {
	put l1/dir/a 1
	put l2/dir/b 1
	put l1/pure/x 1
}

scenario() {
	try sc rewind dir 'touch dir/new1 dir/new2'
	try sc rewind dir 'rm dir/a'
	try sc rewind pure 'rm pure/x; touch pure/y pure/z'
}
