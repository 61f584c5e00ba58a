# SPDX-License-Identifier: Apache-2.0
# title: what is made belongs to who made it, with supplementary groups and in directories of others
# labels: quick

layers() {
	mkdir -m 777 l1/open
	mkdir -m 770 l1/grouped
	chown 0:40 l1/grouped
	put l1/open/gone 1
	put l1/open/gonedir/x 1
	chmod 777 l1/open/gonedir
}

scenario() {
	as 31:32 touch open/f
	as 31:32 mkdir open/d
	as 31:32 ln -s x open/l
	as 31:32 "$SC" mknod open/p fifo 644
	as 31:32 rm -r open/gone open/gonedir
	as 31:32 touch open/gone
	as 31:32 mkdir open/gonedir
	as 31:32 touch grouped/denied
	as 31:32:40 touch grouped/f
	as 31:32:40 mkdir grouped/d
	as 31:32:40 chgrp 40 grouped/f
	as 31:32:40 chgrp 41 grouped/f
	stat_of '%n %F %a %u:%g' open open/* grouped grouped/*
	as 31:32 sh -c 'echo mine >open/f; mv open/f open/d/; cat open/d/f'
}
