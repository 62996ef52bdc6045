# SPDX-License-Identifier: Apache-2.0
"""docs/log.md lists exactly the records that the source writes, with their levels and fields."""

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')

# Calls whose message is no literal: the file, and the text before and after the list of all possible words.
MESSAGES = {
    "stage_names[stage]": ("src/serve/server.c", "stage_names[] = {", "};"),
    "consequences[stage]": ("src/serve/confinement.c", "consequences[CONFINE_STAGE_COUNT] = {", "};"),
    "failure": ("src/confine/selinux.c", "const char *selinux_failure(enum selinux_label label) {", "\n}"),
    "exposure->words": ("src/library/token_file.c", "*exposure_words(", "\n}"),
}
# Calls whose level is chosen elsewhere.
LEVELS = {"level_of(request)": ("src/serve/request_log.c", "level_of(", "\n}")}


def read(name):
    return (ROOT / name).read_text()


def levels(text):
    return {name.lower() for name in re.findall(r"LOG_LEVEL_([A-Z]+)", text)}


def literals(text):
    """The string literals of C. Adjacent ones are joined."""
    joined = re.findall(rf"{LITERAL.pattern}(?:\s*{LITERAL.pattern})*", text)
    return ["".join(literal[1:-1] for literal in LITERAL.findall(group)) for group in joined]


def places(name, begin, end):
    """Each part of a file from one text to another."""
    return [rest.partition(end)[0] for rest in read(name).split(begin)[1:]]


def arguments(text):
    """The arguments of a call. text follows its opening parenthesis."""
    found, depth, begin, at = [], 0, 0, 0
    while True:
        literal = LITERAL.match(text, at)
        if literal:
            at = literal.end()
            continue
        if depth == 0 and text[at] in ",)":
            found.append(text[begin:at].strip())
            begin = at + 1
            if text[at] == ")":
                return found
        depth += (text[at] in "({[") - (text[at] in ")}]")
        at += 1


def written():
    """The levels and fields of each message in the source."""
    records = defaultdict(lambda: (set(), set()))
    for path in sorted((ROOT / "src").rglob("*.c")):
        source = path.read_text()
        for call in re.finditer(r"\blog_(?:record|message)\(", source):
            if path == ROOT / "src/base/log.c":
                continue
            _, level, message, *fields = arguments(source[call.end():])
            fields = " ".join(fields)
            names = set(re.findall(r'\b(?:log_\w+|optional_string)\("(\w+)"', fields))
            for variable, name in re.findall(r'\b(\w+) = log_\w+\("(\w+)"', source):
                names |= {name} if re.search(rf"\b{variable}\b", fields) else set()
            words = literals(message)
            if not words:
                words = [word for place in places(*MESSAGES[message]) for word in literals(place)]
            for word in words:
                records[word][0].update(levels("".join(places(*LEVELS[level])) if level in LEVELS else level))
                records[word][1].update(names)
    return dict(records)


def documented():
    """The levels and fields of each message on the page, from its tables with four columns."""
    records = defaultdict(lambda: (set(), set()))
    for line in read("docs/log.md").splitlines():
        columns = [column.strip() for column in line.strip("|").split("|")]
        if line.startswith("| `") and len(columns) == 4:
            for word in re.findall(r"`([^`]+)`", columns[0]):
                records[word][0].update(columns[1].split(", "))
                records[word][1].update(re.findall(r"`([^`]+)`", columns[2]))
    return dict(records)


def test_page_has_all_records():
    records = written()
    assert len(records) > 50 and {"request", "push", "git says", "serving", "stopped"} <= records.keys()
    assert documented() == records


def test_page_has_the_bounds():
    page = read("docs/log.md")
    for name, file in (("LOG_RECORD_MAX", "base/log.h"), ("LOG_VALUE_MAX", "base/log.h"),
                       ("PUSHED_LISTED_MAX", "backend/pushed.h"), ("PUSHED_LINE_MAX", "backend/pushed.h"),
                       ("PUSHED_REASON_MAX", "backend/pushed.h")):
        bound, = re.findall(rf"\b{name} = ([0-9]+),", read(f"src/{file}"))
        assert re.search(rf"\b{bound}\b", page), name
    for name in ("truncated", "dropped_records"):
        assert name in read("src/base/log.c") and f"`{name}`" in page
