# SPDX-License-Identifier: Apache-2.0
# title: search, read, write and sticky permissions are obeyed for names of every layer
# labels: quick

layers() {
	mkdir -m 711 l1/search
	put l1/search/known 1
	mkdir -m 744 l1/list
	put l1/list/file 1
	mkdir -m 1777 l1/sticky
	put l1/sticky/roots 1
	put l1/sticky/theirs 1
	chown 31:32 l1/sticky/theirs
	put l1/plain/file 1
	put l1/ro 1
	chown 31 l1/ro
	chmod 444 l1/ro
}

scenario() {
	as 9:9 cat search/known
	as 9:9 ls search
	as 9:9 ls list
	as 9:9 cat list/file
	as 9:9 rm -f sticky/roots
	as 9:9 rm -f sticky/theirs
	as 31:32 mv sticky/theirs sticky/moved
	as 31:32 mv sticky/roots sticky/taken
	as 9:9 mv sticky/moved sticky/taken
	as 9:9 touch plain/new
	as 9:9 rm -f plain/file
	as 9:9 mv plain/file plain/moved
	as 9:9 ln plain/file plain/link
	as 31:32 sh -c 'echo x >ro'
	as 31:32 chmod 644 ro
	as 31:32 sh -c 'echo x >ro'
	as 9:9 chmod 777 ro
	as 9:9 chown 9 ro
	as 9:9 test -w ro
	as 9:9 test -x search
	try ls -A sticky plain
	check_equal "nothing of the refused was copied" "" "$(ls -A "$BASE/upper/plain" 2>/dev/null)"
}
