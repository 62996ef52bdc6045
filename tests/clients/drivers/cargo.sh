#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A package that depends on what the gate serves.
[ "$1" = clone ] || exit 2
mkdir -p "$3/src" && : >"$3/src/lib.rs" || exit 1
printf '[package]\nname = "task"\nversion = "0.1.0"\n[dependencies]\nserved = { git = "%s" }\n' "$2" >"$3/Cargo.toml"
PATH=/usr/bin:/bin CARGO_HOME=$3/home CARGO_NET_RETRY=0 exec cargo fetch --quiet --manifest-path "$3/Cargo.toml"
