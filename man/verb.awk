# SPDX-License-Identifier: Apache-2.0
# awk -f verb.awk TABLE PAGE: the manual page of a verb of plyctl as scdoc. TABLE is what `plyctl --table VERB` prints; name,
# synopsis and options come from there. PAGE has the rest: DESCRIPTION, COLUMNS, JSON, EXAMPLES, SEE ALSO and so on. A section
# of PAGE replaces the one that would be made. A verb of which PAGE says "There is no JSON" has no option --json.
#
# awk -v overview=1 -f verb.awk TABLE PAGE: for plyctl(1), where a line @LOOKS@ or @MAKES@ becomes a list of verbs.
BEGIN { FS = "\t" }

# Text of the table as scdoc: nothing in it is markup.
function plain(text) {
	gsub(/[\\*_#]/, "\\\\&", text)
	gsub(/`[^`]*`/, "*&*", text)
	gsub(/`/, "", text)
	return text
}
# Words in capitals stand for something.
function operands(text) {
	text = plain(text)
	gsub(/[A-Z][A-Z0-9]*/, "_&_", text)
	gsub(/\.\./, "...", text)
	gsub(/_\.\.\._/, "_.._", text) # FROM..TO is a range
	gsub(/\.\.\.\./, "...", text)
	return text
}
function sentence(text) {
	return toupper(substr(text, 1, 1)) plain(substr(text, 2)) "."
}
function option_head(    value, text) {
	value = $4 != "" ? operands($4) : ""
	text = $3 != "" ? "*-" $3 "*" (value != "" ? " " value : "") ", " : ""
	return text "*--" plain($2) "*" (value != "" ? "=" value : "")
}

FNR == NR && $1 == "verb" {
	list[$3] = list[$3] "*" $2 "*" ($4 != "" ? ", *" $4 "*" : "") ($5 != "" ? " " operands($5) : "") "\n\t" sentence($6) \
		   " See *plyctl-" $2 "*(1).\n\n"
	name = $2
	made["NAME"] = "plyctl-" $2 " - " tolower(substr($6, 1, 1)) plain(substr($6, 2)) "\n"
	made["SYNOPSIS"] = "*plyctl* *" $2 "* [_OPTION_]..." ($5 != "" ? " " operands($5) : "") "\n" \
			   ($4 != "" ? "\n*plyctl* *" $4 "* is the same.\n" : "")
	next
}
FNR == NR && $1 == "option" { names[++n_options] = $2; option[n_options] = option_head() "\n\t" sentence($5) "\n\n"; next }
FNR == NR { next }

overview && /^@(LOOKS|MAKES)@$/ {
	verbs = list[tolower(substr($0, 2, 5))]
	printf "%s", substr(verbs, 1, length(verbs) - 1)
	next
}
overview { print; next }

/^# / { section = substr($0, 3); order[++n] = section; text[section] = ""; next }
section == "" { next }
/There is no JSON/ { has_no_json = 1 }
text[section] != "" || $0 != "" { text[section] = text[section] $0 "\n" }

function put(title) {
	body = title in text ? text[title] : made[title]
	if (body == "" || done[title]++)
		return
	sub(/\n+$/, "\n", body)
	printf "# %s\n\n%s\n", title, body
}
END {
	if (overview)
		exit
	for (i = 1; i <= n_options; i++)
		if (names[i] != "json" || !has_no_json)
			options = options option[i]
	made["OPTIONS"] = options "*-h*, *--help*\n\tPrint the use of the verb.\n"
	made["EXIT STATUS"] = "*0*\n\tSuccess.\n\n*1*\n\tFailure, also of a part.\n\n*2*\n\tWrong use.\n"
	made["SEE ALSO"] = "*plyctl*(1)\n"
	printf "plyctl-%s(1)\n\n", name
	put("NAME"); put("SYNOPSIS"); put("DESCRIPTION"); put("OPTIONS")
	for (i = 1; i <= n; i++)
		if (order[i] !~ /^(EXIT STATUS|EXAMPLES|SEE ALSO)$/)
			put(order[i])
	put("EXIT STATUS"); put("EXAMPLES"); put("SEE ALSO")
}
