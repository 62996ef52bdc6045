# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Completes git-gate, git gate and git-gate-bridge in bash. Verbs, options and values come from the help of the program
# that is called.

# Prints the verbs, one a line.
__git_gate_verbs() {
    "$@" -h 2>/dev/null | sed -n 's/^\(usage:\|      \) git-gate \([a-z][a-z]*\) .*/\2/p'
    printf 'help\n'
}

# Prints the options of a verb, one a line, as --name or --name=ARGUMENT.
__git_gate_options() {
    "$@" -h 2>/dev/null | sed -n 's/^  \(--[^ ]*\).*/\1/p'
    printf -- '--help\n'
}

# __git_gate_values ARGUMENT WORD: the values that begin with WORD. ARGUMENT is as in the help, for example PATH or yes|no.
__git_gate_values() {
    local kind words=''

    for kind in ${1//|/ }; do
        case $kind in
        *DIR) __git_gate_files -d "$2" ;;
        FILE | REPOSITORY | PATH*) __git_gate_files -f "$2" ;;
        GROUP) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -g -- "$2") ;;
        [a-z]*) words+=" $kind" ;;
        esac
    done
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$2")
}

__git_gate_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$1" -- "$2")
}

# __git_gate_option WORD PROGRAM...: the options that begin with WORD. An option that takes a value gets no space.
__git_gate_option() {
    local option

    while read -r option; do
        [[ $option != *=* ]] || option=${option%%=*}=
        [[ $option != "$1"* ]] || COMPREPLY+=("$option")
    done < <(__git_gate_options "${@:2}")
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
}

# __git_gate_argument NAME PROGRAM...: prints the help's word for the value of an option.
__git_gate_argument() {
    local option

    while read -r option; do
        [[ $option != "$1="* ]] || printf '%s\n' "${option#*=}"
    done < <(__git_gate_options "${@:2}")
}

# The word behind the cursor's last blank, without quoting: --name=VALUE is one word here, whatever COMP_WORDBREAKS says.
_git_gate() {
    local line=${COMP_LINE:0:COMP_POINT} word='' previous program verb='' words
    COMPREPLY=()

    read -ra words <<<"$line"
    [[ $line == *[[:blank:]] ]] || word=${words[-1]}
    [[ -z $word ]] || unset 'words[-1]'
    program=("${words[0]}")
    if [[ ${words[0]} == git ]]; then
        program=(git gate)
        compopt +o nospace 2>/dev/null # which git's completion sets, as its own words end with a space
        while [[ ${#words[@]} -gt 1 && ${words[0]} != gate ]]; do words=("${words[@]:1}"); done
    fi
    previous=${words[-1]}
    if [[ ${program[0]} != *git-gate-bridge ]]; then
        verb=${words[1]-}
        if [[ -z $verb || $verb == help ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$(__git_gate_verbs "${program[@]}") --help --version" -- "$word")
            return
        fi
        program+=("$verb")
    fi
    if [[ $word == --*=* ]]; then
        __git_gate_values "$(__git_gate_argument "${word%%=*}" "${program[@]}")" "${word#*=}"
        [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/${word%%=*}=}")
    elif [[ $previous == --* && $previous != *=* && -n $(__git_gate_argument "$previous" "${program[@]}") ]]; then
        __git_gate_values "$(__git_gate_argument "$previous" "${program[@]}")" "$word"
    elif [[ $word == -* ]]; then
        __git_gate_option "$word" "${program[@]}"
    elif [[ $verb == serve || $verb == rules ]]; then
        __git_gate_values "$([[ $verb == serve ]] && echo DIR || echo FILE)" "$word"
    else
        __git_gate_option "$word" "${program[@]}"
    fi
}

complete -F _git_gate git-gate git-gate-bridge
