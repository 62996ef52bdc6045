# SPDX-License-Identifier: Apache-2.0
"""Collects the outcomes of the tests into a table in Markdown, a row for each client and way to the gate."""

HEADINGS = {
    "test_clone": "clone",
    "test_shallow_clone": "shallow clone",
    "test_small_push": "push",
    "test_large_push": "push of 2 MiB",
    "test_deletion": "delete a branch",
    "test_wrong_token": "wrong token",
    "test_another_repository": "another repository",
    "test_read_only": "read-only",
    "test_hook_refuses": "hook refuses",
}
WAYS = {"tcp": "http://, loopback port", "unix": "http://, bridge", "remote": "gate://"}
CANNOT = "cannot: "


class Table:
    """Rows by client and way, cells by test."""

    def __init__(self):
        self.rows = {}
        self.reasons = {}

    def note(self, client, way, test, report):
        if test not in HEADINGS:
            return
        cell = "yes" if report.passed else "FAILED"
        if report.skipped:
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            if not reason.startswith(CANNOT):
                return  # it is not installed here
            cell = "no"
            self.reasons.setdefault((client.name, reason.removeprefix(CANNOT)), None)
        self.rows.setdefault((client.name, client.version(), way), {})[test] = cell

    def text(self):
        lines = ["| client | way | " + " | ".join(HEADINGS.values()) + " |", "|---|---" + "|---" * len(HEADINGS) + "|"]
        for (name, version, way), cells in sorted(self.rows.items()):
            if set(cells.values()) == {"no"}:
                continue  # a reason below says so
            lines.append(f"| {name} {version} | {WAYS[way]} | "
                         + " | ".join(cells.get(test, "") for test in HEADINGS) + " |")
        lines.append("")
        lines += [f"- {name}: {reason}." for name, reason in sorted(self.reasons)]
        return "\n".join(lines) + "\n"
