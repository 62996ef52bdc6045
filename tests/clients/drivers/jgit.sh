#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# JGIT is a command with its class path. JGit's command line takes no credentials from the address, but from .netrc in
# Java's home. It may end well although a push was refused: the report says so.
JGIT=$(printf '%s' "$JGIT" | sed "s| -cp| -Duser.home=$HOME -cp|")
as_user() {
    token=${1#*://x:}
    printf 'machine 127.0.0.1 login x password %s\n' "${token%%@*}" >"$HOME/.netrc"
}
push() {
    as_user "$(git -C "$1" config remote.origin.url)"
    # shellcheck disable=SC2086 # a command of some words
    said=$($JGIT --git-dir "$1/.git" push origin "$2" 2>&1) || { printf '%s\n' "$said" >&2; exit 1; }
    case $said in *rejected* | *ailed* | *error*) printf '%s\n' "$said" >&2; exit 1 ;; esac
}
clone() {
    as_user "$1"
    # shellcheck disable=SC2086
    $JGIT clone "$1" "$2" >&2 && [ -e "$2/.git/refs/remotes/origin/main" ]
}
case $1 in
clone) clone "$2" "$3" ;;
push) push "$2" "main:refs/heads/$3" ;;
delete) push "$2" ":refs/heads/$3" ;;
esac
