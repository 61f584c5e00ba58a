# SPDX-License-Identifier: Apache-2.0
# fish completion for plyctl: its table of verbs tells verbs and options.
function __plyctl_options
    set -l tokens (commandline -opc)
    test (count $tokens) -gt 1; and plyctl --words $tokens[2] 2>/dev/null
end

complete -c plyctl -n __fish_use_subcommand -x -a '(plyctl --words 2>/dev/null)'
complete -c plyctl -n '__fish_seen_subcommand_from help' -x -a '(plyctl --words 2>/dev/null)'
complete -c plyctl -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -x -a '(__plyctl_options)'
