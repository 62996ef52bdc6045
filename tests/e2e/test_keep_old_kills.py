# SPDX-License-Identifier: Apache-2.0
"""
Kills the gate, git-gate-hook and git by turns while a push takes tips from references. No tip is ever lost.

GIT_GATE_KILLS says how many kills: 240 take two minutes. GIT_GATE_SEED repeats a run, as far as the machine lets it.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from .repos import ENVIRONMENT, bare, git, history, out, refs

KILLS = int(os.environ.get("GIT_GATE_KILLS", "12"))
SEED = int(os.environ.get("GIT_GATE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
VICTIMS = ("gate", "hook", "git")
WAIT_SECONDS = 10
FIGHTS_PER_KILL = 5  # a hook's life is short
COLLECT_EVERY = 20
BRANCHES = 3


def name_of(pid):
    """The name of a process's program, or of the hook that it is."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return None


class Battle:
    """A repository, its gate, and all tips that it ever had."""

    def __init__(self, folder, start_gate):
        self.random = random.Random(SEED)
        self.mirror = bare(folder / "mirrors" / "repo.git")
        git("config", "receive.denyDeleteCurrent", "ignore", cwd=self.mirror)
        self.tips = history(bare(folder / "work.git"), 3)
        self.folder = folder / "work.git"
        self.start_gate, self.gate = start_gate, None
        self.seen, self.n_hit, self.n_made = set(), dict.fromkeys(VICTIMS, 0), 0

    def serve(self):
        if self.gate is None:
            self.gate = self.start_gate(f"--mirror-root={self.mirror.parent}", "--scope=repo", log_level="error")
        return self.gate

    def make_tip(self):
        """A commit that nothing but its branch will lead to."""
        self.n_made += 1
        tree = out("rev-parse", f"{self.tips[0]}^{{tree}}", cwd=self.folder)
        return out("commit-tree", "-m", f"Tip {self.n_made}", "-p", self.tips[0], tree, cwd=self.folder)

    def fill(self):
        """Give each branch a tip, without a kill."""
        there = refs(self.mirror, "refs/heads")
        specs = [f"{self.make_tip()}:refs/heads/b{i}" for i in range(BRANCHES) if f"refs/heads/b{i}" not in there]
        if specs:
            git("push", "--quiet", self.serve().url(), *specs, cwd=self.folder)
        self.look()

    def look(self):
        self.seen |= set(refs(self.mirror, "refs/heads").values())

    def specs(self):
        """The arguments of a push that takes tips from some branches."""
        chosen = self.random.sample(range(BRANCHES), self.random.randint(1, BRANCHES))
        return [f":refs/heads/b{i}" if self.random.random() < 0.5 else f"+{self.make_tip()}:refs/heads/b{i}" for i in chosen]

    def find(self, victim):
        """A process to kill, or None if there is none at the moment."""
        if victim == "gate":
            return self.gate.pid
        found = [pid for pid in self.gate.children() if (name_of(pid) == "pre-receive") == (victim == "hook")]
        return self.random.choice(found) if found else None

    def strike(self, victim, client):
        """Kill one, at some moment of the push."""
        time.sleep(self.random.uniform(0, 0.06) if victim == "gate" else 0)
        end = time.monotonic() + WAIT_SECONDS
        while client.poll() is None and time.monotonic() < end:
            pid = self.find(victim)
            if pid is not None:
                time.sleep(self.random.choice((0, self.random.uniform(0, 0.02 if victim == "git" else 0.004))))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.n_hit[victim] += 1
                return

    def fight(self, victim):
        self.fill()
        gate = self.serve()
        atomic = ["--atomic"] * (self.random.random() < 0.3)
        client = subprocess.Popen(["git", "push", "--quiet", *atomic, gate.url(), *self.specs()], cwd=self.folder,
                                  env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.strike(victim, client)
            client.wait(timeout=WAIT_SECONDS)
        finally:
            client.kill()
            client.wait()
        gate.wait_no_children(WAIT_SECONDS)
        if victim == "gate" and gate.process.poll() is not None:
            gate.process.wait()
            self.gate = None
        self.clear()

    def clear(self):
        """Remove the files that git-gate check names, as the operator does after a kill."""
        for path in self.mirror.rglob("*.lock"):
            path.unlink()

    def check(self, collects):
        """Check that every tip is still behind some reference, with all its objects."""
        self.look()
        if collects:
            git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all", cwd=self.mirror)
            git("gc", "--quiet", "--prune=now", cwd=self.mirror)
        lost = out("rev-list", "--stdin", "--not", "--all", cwd=self.mirror, data="".join(f"{tip}\n" for tip in self.seen))
        assert not lost, f"seed {SEED}: no reference leads to {lost}"


def test_no_kill_loses_a_tip(tmp_path, start_gate):
    battle = Battle(tmp_path, start_gate)
    for number in range(FIGHTS_PER_KILL * KILLS):
        battle.fight(VICTIMS[number % len(VICTIMS)])
        is_over = sum(battle.n_hit.values()) >= KILLS and all(battle.n_hit.values())
        battle.check(collects=number % COLLECT_EVERY == COLLECT_EVERY - 1 or is_over)
        if is_over:
            break
    assert is_over, battle.n_hit
    assert refs(battle.mirror, "refs/gate/old"), "no push has taken anything"
    print(f"kills {battle.n_hit}, tips {len(battle.seen)}, kept {len(refs(battle.mirror, 'refs/gate/old'))}")
