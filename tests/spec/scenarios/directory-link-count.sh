# SPDX-License-Identifier: Apache-2.0
# title: a directory of one layer shows its link count, a merged one shows 1
# labels: quick

layers() {
	mkdir -p l1/lower/a l1/lower/b l1/merged/a l2/merged/b
}

scenario() {
	try stat -c '%n %h' . lower lower/a merged merged/a
	try mkdir new new/a new/b lower/c
	try stat -c '%n %h' . new new/a lower lower/c merged
	try mv new/a merged/moved
	try stat -c '%n %h' new merged merged/moved
	try rmdir new/b
	try stat -c '%n %h' new
}
