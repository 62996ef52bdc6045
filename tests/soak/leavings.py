# SPDX-License-Identifier: Apache-2.0
"""Measures what the clients leave behind when they have gone and all time-outs have passed."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from faults import processes_of

from e2e.host import open_files, zombies
from e2e.polling import POLL_SECONDS
from e2e.repos import git

from .site import IDLE_SECONDS, STALL_SECONDS

# The longest possible life: a time-out, and then the five seconds from SIGTERM to SIGKILL.
KILL_SECONDS, SLACK_SECONDS = 5, 5  # the gate's from SIGTERM to SIGKILL, and some more
REST_SECONDS = max(STALL_SECONDS, IDLE_SECONDS) + KILL_SECONDS + SLACK_SECONDS
SUSPECTS = 8
TEMPORARY = re.compile(r"tmp_.*|.*\.lock|.*\.keep|incoming-.*|gc\.pid|shallow_.*")


@dataclass
class Leavings:
    """resident_kib, anonymous_kib: of the gate itself."""
    processes: list
    zombies: list
    descriptors: int
    files: list
    resident_kib: int
    anonymous_kib: int


def processes_left(site):
    """Find processes by the environment that the gate gave them, and by their repository."""
    return sorted({*site.gate.children(), *processes_of(site.root)})


def temporary_files(repository):
    return sorted(str(path.relative_to(repository)) for path in repository.rglob("*") if TEMPORARY.fullmatch(path.name))


def suspects(site, name):
    """Find the pushes that may have left a temporary file: those that ended nearest to its last change."""
    touched = (site.repository / name).stat().st_mtime
    pushes = []
    for record in site.gate.request_records():
        if record.get("route") == "receive-pack" and record["duration_ms"] > 0:
            seconds = datetime.fromisoformat(record["time"]).timestamp() - touched
            pushes.append((abs(seconds), f"request {record['id']}, over {seconds:+.3f} s after that, took"
                           f" {record['duration_ms']} ms and {record['bytes_in']} bytes, answered"
                           f" {record.get('status')}: {record.get('reason', 'all is well')}"))
    return f"{name} may be of\n" + "\n".join(text for _, text in sorted(pushes)[:SUSPECTS])


def memory_kib(pid):
    """Return the resident memory of a process: all of it, and the part without a file behind it."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return tuple(int(re.search(rf"^{name}:\s+([0-9]+) kB", text, re.MULTILINE).group(1))
                 for name in ("Rss", "Anonymous"))


def look(site):
    pid = site.gate.pid
    return Leavings(processes_left(site), zombies(pid), len(open_files(pid)), temporary_files(site.repository),
                    *memory_kib(pid))


def wait_for_rest(site, descriptors):
    """Wait until nothing is left, or all time-outs have passed; anything left then will stay."""
    deadline = time.monotonic() + REST_SECONDS
    while time.monotonic() < deadline:
        if len(open_files(site.gate.pid)) <= descriptors and not processes_left(site):
            break
        time.sleep(POLL_SECONDS * 10)
    return look(site)


def fsck(repository):
    """Return git's complaints about a repository; empty if it is whole."""
    result = git("fsck", "--strict", "--full", cwd=repository, ok=None, seconds=600)
    return "" if result.returncode == 0 else result.stdout + result.stderr
