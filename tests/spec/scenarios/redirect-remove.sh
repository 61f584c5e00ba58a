# SPDX-License-Identifier: Apache-2.0
# title: what is removed from a renamed directory stays removed, and the directory goes when it shows nothing
# labels: quick
# options: redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=off,xino=off
# may-diff: ^upper:.n\|d the kernel marks every new directory opaque where it makes redirects

layers() {
	put l1/m/f 1
	put l2/m/sub/g 2
	put l1/t/h 3
	mkdir -p l1/e
}

scenario() {
	try sc rename m n
	try rmdir n
	try rm n/f
	try rm -r n/sub
	try ls -A n
	try rmdir n
	upper_has n
	upper_has m
	try mkdir n m
	try ls -A n m
	try rm -r t
	try sc rename e t
	try rmdir t
	upper_has t
	try ls -A
	remount
	try ls -AR .
}
