# SPDX-License-Identifier: Apache-2.0
#
# Completes git-gate and git-gate-bridge in fish, with the verbs and options that the program's own help lists. fish reads
# this file when it first completes one of them.

# __git_gate_option COMMAND CONDITION NAME ARGUMENT TEXT: makes an option of the help known. ARGUMENT is empty, PATH, yes|no...
function __git_gate_option
    set -l option -c $argv[1] -n $argv[2] -l $argv[3] -d $argv[5]
    set -l words (string split '|' -- $argv[4] | string match -r '^[a-z-]+$')
    switch $argv[4]
        case ''
            complete $option -f
        case '*DIR*' 'FILE*' 'PATH*'
            complete $option -rF -a "$words"
        case GROUP
            complete $option -x -a '(__fish_complete_groups)'
        case '*'
            complete $option -x -a "$words"
    end
end

# __git_gate_options COMMAND CONDITION PROGRAM...: the same for all options that PROGRAM -h lists.
function __git_gate_options
    type -q $argv[3]
    or return
    for line in ($argv[3..] -h 2>/dev/null)
        string match -rq '^  --(?<name>[a-z-]+)(?:=(?<argument>\S+))?(?: +(?<text>.*))?$' -- $line
        and __git_gate_option $argv[1] $argv[2] $name "$argument" "$text"
    end
    complete -c $argv[1] -n $argv[2] -f -l help -d 'print the options'
end

function __git_gate_setup
    set -l verbs
    for line in (type -q git-gate; and git-gate -h)
        string match -rq '^(?:usage:| {6}) git-gate (?<verb>[a-z]+) .*?  +(?<text>\S.*)$' -- $line
        or continue
        set -a verbs $verb
        complete -c git-gate -n '__fish_use_subcommand; or __fish_seen_subcommand_from help' -f -a $verb -d $text
        __git_gate_options git-gate "__fish_seen_subcommand_from $verb" git-gate $verb
    end
    complete -c git-gate -n __fish_use_subcommand -f -a help -d 'print the options of a verb'
    complete -c git-gate -n __fish_use_subcommand -f -l version -d 'print the version'
    complete -c git-gate -n __fish_use_subcommand -f -l help -d 'print the verbs'
    complete -c git-gate -n '__fish_seen_subcommand_from mint check bridge demo' -f
    __git_gate_options git-gate-bridge true git-gate-bridge
    complete -c git-gate-bridge -f
end

__git_gate_setup
functions -e __git_gate_setup __git_gate_options __git_gate_option
