# SPDX-License-Identifier: Apache-2.0
"""The words of Gate-Reason and their statuses, as git-gate(1), REASONS, lists them."""

import re
from pathlib import Path

MANUAL = Path(__file__).resolve().parents[2] / "man" / "git-gate.1"
SECTION = MANUAL.read_text().split("\n.Sh REASONS\n")[1].split("\n.Sh ")[0]
REASONS = {word: int(status) for word, status in re.findall(r"^\.It Li (\S+) Pq (\d+)$", SECTION, re.MULTILINE)}
assert len(REASONS) == SECTION.count("\n.It "), "an item of REASONS is not '.It Li WORD Pq STATUS'"
