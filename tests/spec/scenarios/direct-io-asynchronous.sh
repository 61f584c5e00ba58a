# SPDX-License-Identifier: Apache-2.0
# title: after an asynchronous O_DIRECT write nobody reads the old data, whoever else reads the file meanwhile
# labels: quick

layers() {
	fill l1/lower 640k
	fill upper/upper 640k
}

scenario() {
	try sc direct lower 3
	try sc direct upper 3
	rm lower upper
}
