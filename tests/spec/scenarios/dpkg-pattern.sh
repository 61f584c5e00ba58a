# SPDX-License-Identifier: Apache-2.0
# title: the way a package manager replaces files works: link aside, write beside, rename over
# labels: quick

layers() {
	local i

	for i in 1 2 3 4 5; do put "l1/usr/bin/tool$i" "version 1 of $i"; done
	put l1/etc/conf "conf"
	ln -s tool1 l1/usr/bin/tool
}

scenario() {
	local i

	for i in 1 2 3 4 5; do
		ln "usr/bin/tool$i" "usr/bin/tool$i.dpkg-tmp"
		echo "version 2 of $i" >"usr/bin/tool$i.dpkg-new"
		chown 0:0 "usr/bin/tool$i.dpkg-new"
		chmod 755 "usr/bin/tool$i.dpkg-new"
		"$SC" fd "open:usr/bin/tool$i.dpkg-new:r" fsync >/dev/null
		mv "usr/bin/tool$i.dpkg-new" "usr/bin/tool$i"
		rm "usr/bin/tool$i.dpkg-tmp"
	done
	ln -s tool2 usr/bin/tool.dpkg-new
	try mv -T usr/bin/tool.dpkg-new usr/bin/tool
	try mv etc/conf etc/conf.dpkg-bak
	try cp -a etc/conf.dpkg-bak etc/conf
	try cat usr/bin/tool usr/bin/tool5
	stat_of '%n %h %a' usr/bin/*
	try ls -A etc usr/bin
}
