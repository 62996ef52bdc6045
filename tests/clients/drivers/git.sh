#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
case $1 in
clone) exec git clone --quiet "$2" "$3" ;;
shallow) exec git clone --quiet --depth=1 "$2" "$3" ;;
push) exec git -C "$2" push --quiet origin "main:refs/heads/$3" ;;
delete) exec git -C "$2" push --quiet origin ":refs/heads/$3" ;;
esac
