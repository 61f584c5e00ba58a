# SPDX-License-Identifier: Apache-2.0
# title: rename of a lower or merged directory is refused with EXDEV where redirects are off, and mv copies
# labels: quick
# options: redirect_dir=off

layers() {
	put l1/low/a 1
	put l1/merged/a 1
	put upper/merged/b 2
	mkdir -p upper/target l1/empty
}

scenario() {
	try sc rename low moved
	try sc rename merged moved
	try sc rename low target
	try sc rename merged low exchange
	try sc rename empty moved
	try ls -A
	try mv low moved
	try ls -A . moved
	try mv merged target/
	try ls -AR target
	try sc rename moved low
	try ls -A . low
}
