# SPDX-License-Identifier: Apache-2.0
# format.awk FRAME MARKDOWN : a manual page in scdoc from a Markdown document. The line "; MARKDOWN" of the frame is replaced by
# the document: its second-level headings become sections, its lists and tables those of the page. Of Markdown it knows
# what FORMAT.md uses: headings, paragraphs, lists of one level, tables, `code`, **bold**.

function escaped(text) {
	gsub(/\\/, "\\\\", text)
	gsub(/[*_]/, "\\\\&", text)
	return text
}

# Code and bold are both bold in a manual.
function inline(text,    out, at, len) {
	out = ""
	while (match(text, /`[^`]+`|\*\*[^*]+\*\*/)) {
		at = RSTART
		len = RLENGTH
		out = out escaped(substr(text, 1, at - 1))
		if (substr(text, at, 1) == "`")
			out = out "*" escaped(substr(text, at + 1, len - 2)) "*"
		else
			out = out "*" escaped(substr(text, at + 2, len - 4)) "*"
		text = substr(text, at + len)
	}
	return out escaped(text)
}

function row(line,    cells, n, i, text) {
	if (line ~ /^\|[-|]+$/)
		return
	n = split(line, cells, "|")
	for (i = 2; i < n; i++) {
		text = cells[i]
		sub(/^ +/, "", text)
		sub(/ +$/, "", text)
		text = inline(text)
		if (!in_table)
			print (i == 2 ? "[[ *" : ":[ *") text "*"
		else
			print (i == 2 ? "|  " : ":  ") text
	}
	in_table = 1
}

function document(file,    line) {
	while ((getline line < file) > 0) {
		if (line ~ /^# /) {
			getline line < file # the title has its own sections in the frame
		} else if (line ~ /^## /) {
			print "# " toupper(substr(line, 4))
		} else if (line ~ /^\|/) {
			row(line)
		} else {
			in_table = 0
			match(line, /^(- |  )?/)
			print substr(line, 1, RLENGTH) inline(substr(line, RLENGTH + 1))
		}
	}
}

FNR == NR && $0 != "; " ARGV[2] { print; next }
FNR == NR { document(ARGV[2]); next }
{ exit }
