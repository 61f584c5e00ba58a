# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The machine's own package sources, read from both forms that apt knows, so that the scripts can ask the same archive
# for another suite or another package without the name of any host standing in this repository. It is sourced, after
# common.bash.

# Prints the active binary entries, one a line: URI, suite, components, keyring file or "-", separated by tabs.
# A Signed-By that holds a key block instead of a path gives "-".
apt_entries() {
	local root=${APT_ETC:-/etc/apt} file
	for file in "$root"/sources.list "$root"/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		awk '
		/^[ \t]*deb[ \t]/ {
			sub(/#.*/, ""); sub(/^[ \t]*deb[ \t]+/, ""); key = "-"
			if (match($0, /^\[[^]]*\][ \t]*/)) {
				opts = substr($0, 1, RLENGTH); $0 = substr($0, RLENGTH + 1)
				if (match(opts, /signed-by=[^] \t]+/)) key = substr(opts, RSTART + 10, RLENGTH - 10)
			}
			comps = ""; for (i = 3; i <= NF; i++) comps = comps (i > 3 ? " " : "") $i
			print $1 "\t" $2 "\t" comps "\t" key
		}' "$file"
	done
	for file in "$root"/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		awk '
		function flush(  u, s, nu, ns, i, j) {
			if (f["enabled"] != "no" && (" " f["types"] " ") ~ / deb /) {
				nu = split(f["uris"], u, " "); ns = split(f["suites"], s, " ")
				for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++)
					print u[i] "\t" s[j] "\t" f["components"] "\t" (f["signed-by"] ~ /^\/[^ ]*$/ ? f["signed-by"] : "-")
			}
			delete f; name = ""
		}
		/^#/ { next }
		/^[ \t]*$/ { flush(); next }
		/^[ \t]/ { v = $0; sub(/^[ \t]+/, "", v); f[name] = f[name] (f[name] == "" ? "" : " ") v; next }
		{ name = tolower($0); sub(/:.*/, "", name); v = $0; sub(/^[^:]*:[ \t]*/, "", v); sub(/[ \t]+$/, "", v); f[name] = v }
		END { flush() }' "$file"
	done
}

# The entry of the distribution itself: the first one whose suite is the release's code name, else the first one that is
# no security, update or backport suite.
apt_main_entry() {
	local codename
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	apt_entries | awk -F '\t' -v code="$codename" '
		(" " $3 " ") !~ / main / { next }
		$2 == code { print; found = 1; exit }
		first == "" && $2 !~ /[-\/]/ { first = $0 }
		END { if (!found && first != "") print first }'
}

# apt_source_line TYPE SUITE COMPONENTS: one line of a private sources list for another suite of the machine's archive.
# The entry's own keyring is kept; without one, the distribution's installed archive keyring is named.
apt_source_line() {
	local entry uri key
	entry=$(apt_main_entry)
	[ -n "$entry" ] || return 1
	uri=$(cut -f 1 <<<"$entry")
	key=$(cut -f 4 <<<"$entry")
	if [ "$key" = - ] || [ ! -r "$key" ]; then
		key=/usr/share/keyrings/debian-archive-keyring.gpg
	fi
	if [ -r "$key" ]; then
		printf '%s [signed-by=%s] %s %s %s\n' "$1" "$key" "$uri" "$2" "$3"
	else
		printf '%s %s %s %s\n' "$1" "$uri" "$2" "$3"
	fi
}

# The machine's settings about fetching (proxies, date checks, retries) as lines of an apt.conf, for a root that is made
# from scratch and would otherwise not reach the archive the way this machine does.
apt_fetch_settings() {
	apt-config dump 2>/dev/null |
		grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv|Proxy)[^ ]* "[^"]' || true
}
