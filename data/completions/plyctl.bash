# SPDX-License-Identifier: Apache-2.0
# bash completion for plyctl: its table of verbs tells verbs and options.
_plyctl() {
	local current=${COMP_WORDS[COMP_CWORD]} word

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ] || [ "${COMP_WORDS[1]} $COMP_CWORD" = "help 2" ]; then
		while IFS= read -r word; do
			COMPREPLY+=("$word")
		done < <(compgen -W "$(plyctl --words 2>/dev/null)" -- "$current")
	elif [[ $current == -* ]]; then
		while IFS= read -r word; do
			COMPREPLY+=("$word")
		done < <(compgen -W "$(plyctl --words "${COMP_WORDS[1]}" 2>/dev/null)" -- "$current")
	else
		while IFS= read -r word; do
			COMPREPLY+=("$word")
		done < <(compgen -f -- "$current")
		compopt -o filenames 2>/dev/null
	fi
}

complete -F _plyctl plyctl
