# SPDX-License-Identifier: Apache-2.0
# title: a directory moved to where a lower one was stays empty of it after a remount
# labels: quick
# options: redirect_dir=off

layers() {
	put l1/dir/old "old"
	put l1/parent/dir/old "old"
}

scenario() {
	try rm -r dir
	try mkdir new new/dir
	try touch new/dir/f
	try sc rename new dir
	remount
	try ls -AR dir
	try sc rename dir/dir parent/moved
	try rm -r parent/dir
	try sc rename parent/moved parent/dir
	remount
	try ls -AR
}
