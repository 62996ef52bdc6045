# SPDX-License-Identifier: Apache-2.0
"""Reads gitgate.h: its functions and its constants."""

import re
from pathlib import Path

HEADER = Path(__file__).resolve().parents[2] / "include" / "gitgate.h"


def _code():
    return re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)


def functions():
    """The result type and the parameters' types of each function, without names and const."""
    found = {}
    for result, name, parameters in re.findall(r"^(\w[\w *]*?)(gate_\w+)\(([^)]*)\);", _code(), re.MULTILINE):
        types = [re.sub(r"\w+$", "", parameter.strip()) for parameter in parameters.split(",")]
        found[name] = tuple(re.sub(r"\bconst\b|\s", "", text) for text in (result, *types))
    return found


def constants():
    return {name: int(value) for name, value in re.findall(r"^ +(GATE_\w+) = (\d+),", _code(), re.MULTILINE)}


def members(struct):
    """The members of a struct, as declared."""
    body, = re.findall(rf"^struct {struct} {{(.*?)^}};", _code(), re.MULTILINE | re.DOTALL)
    return [member.strip() for member in body.split(";") if member.strip()]
