# SPDX-License-Identifier: Apache-2.0
# title: linked lower symlinks, fifos and devices keep their links over chown and chmod
# labels: quick
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off

layers() {
	put l1/target t
	ln -s target l1/s1
	ln l1/s1 l1/s2
	mkfifo l1/f1
	ln l1/f1 l1/f2
	mknod l1/n1 c 1 3
	ln l1/n1 l1/n2
}

scenario() {
	try chown -h 7:7 s1
	try chmod 640 f1
	try chmod 640 n2
	remount
	stat_of '%n %F %u:%g %a %h' s1 s2 f1 f2 n1 n2
	check "links" test f1 -ef f2 -a n1 -ef n2
	try readlink s2
}
