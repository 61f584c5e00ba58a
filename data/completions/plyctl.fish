# SPDX-License-Identifier: Apache-2.0
# fish completion for plyctl: its table of verbs tells verbs, options and what they are for.
function __plyctl_verbs
    plyctl --table 2>/dev/null | string replace -r -- '^verb\t([^\t]*)\t.*\t([^\t]*)$' '$1\t$2'
end

function __plyctl_options
    set -l tokens (commandline -opc)
    test (count $tokens) -gt 1; or return
    plyctl --table $tokens[2] 2>/dev/null | string replace -rf -- '^option\t([^\t]*)\t.*\t([^\t]*)$' '--$1\t$2'
    printf '%s\t%s\n' --help 'print the use of the verb'
end

complete -c plyctl -n __fish_use_subcommand -x -a '(__plyctl_verbs)'
complete -c plyctl -n __fish_use_subcommand -x -a help -d 'Tell the use of a verb'
complete -c plyctl -n '__fish_seen_subcommand_from help' -x -a '(__plyctl_verbs)'
complete -c plyctl -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -x -a '(__plyctl_options)'
