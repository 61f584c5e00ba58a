# SPDX-License-Identifier: Apache-2.0
# title: a redirect of more than 256 bytes isn't made: the rename answers EXDEV, and mv copies
# labels: quick
# options: redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=off,xino=off
# may-diff: ^upper:.over\|d the kernel marks every new directory opaque where it makes redirects

deep=$(printf 'x%.0s' {1..50})
layers() {
	put "l1/$deep/$deep/$deep/$deep/$(printf 'y%.0s' {1..51})/f" "fits"
	put "l1/$deep/$deep/$deep/$deep/$(printf 'z%.0s' {1..52})/f" "doesn't"
}

scenario() {
	local y z
	y=$deep/$deep/$deep/$deep/$(printf 'y%.0s' {1..51})
	z=$deep/$deep/$deep/$deep/$(printf 'z%.0s' {1..52})
	try sc rename "$y" top
	try sc rename "$z" over
	try mv "$z" over
	try cat top/f over/f
	try sc rename "$deep/$deep" "$deep/short"
	try ls -AR .
	remount
	try ls -AR .
	upper_has top
	upper_has over
}
