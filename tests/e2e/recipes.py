# SPDX-License-Identifier: Apache-2.0
"""Takes recipes from the project's pages word by word, so that tests run the text that a reader copies."""

import re
import textwrap
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def section(page, heading):
    """The text below a heading, up to the next one of that kind."""
    text = (PROJECT / page).read_text()
    match = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert match, f"{page} has no heading {heading!r}"
    return match.group(1)


def recipes(page, heading):
    """The indented blocks below a heading."""
    blocks = re.findall(r"(?:^(?: {4}.*)?\n)+", section(page, heading), re.M)
    return [textwrap.dedent(block).strip("\n") + "\n" for block in blocks if block.strip()]


def fenced(page, heading, language):
    """The blocks of a language below a heading."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(page, heading), re.M | re.S)


def at(text, places):
    """A recipe with other places. places maps words of the page, which must occur, to the test's own."""
    for word, place in places.items():
        assert word in text, f"{word!r} is not in the recipe:\n{text}"
        text = text.replace(word, str(place))
    return text
