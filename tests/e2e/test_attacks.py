# SPDX-License-Identifier: Apache-2.0
"""Malicious clients with the token: the harm that they can do to others, and what they leave behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from .backends import HEAD_TEXT, HOLD, MUCH_TEXT
from .checks import create
from .gate import CONFINE_OPTIONS, PROGRAM, settle_hooks
from .http import TOKEN, head
from .packets import DELIMITER, FETCH_TYPE, FLUSH, NO_OBJECT, PROTOCOL_2, PUSH_TYPE, large_pack, packet
from .polling import wait_until
from .targets import FETCH, INFO, PUSH


def test_busy_connection_does_not_starve_others(start_gate, small_root):
    """A client keeps the gate busy with chunks of one byte: the gate still answers others, and notices SIGTERM."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--drain-timeout=1")
    stop = threading.Event()

    def attack():
        with gate.connect() as connection:
            connection.send(head("POST", PUSH, PUSH_TYPE, "Transfer-Encoding: chunked"))
            try:
                while not stop.is_set():
                    connection.send(b"1\r\n0\r\n" * 50000)
            except OSError:
                pass

    attackers = [threading.Thread(target=attack) for _ in range(2)]
    for attacker in attackers:
        attacker.start()
    try:
        for _ in range(10):
            begin = time.monotonic()
            assert gate.ask("GET", INFO).status == 200
            assert time.monotonic() - begin < 5
        begin = time.monotonic()
        gate.stop()
        assert time.monotonic() - begin < 5
    finally:
        stop.set()
        for attacker in attackers:
            attacker.join()


@pytest.mark.parametrize("how", ["hung git", "unread answer"])
def test_bytes_that_nobody_waits_for_are_no_progress(gate_with, how):
    """A client sends the next request byte by byte, in order to keep a process for ever."""
    prelude = HOLD if how == "hung git" else f"{HEAD_TEXT}; exec cat /dev/zero"
    gate, exec_path = gate_with(prelude, "--backend-timeout=1", "--stall-timeout=1")
    with gate.connect() as connection:
        connection.send(head("GET", INFO))
        wait_until("git has started", lambda: exec_path.runs)
        deadline = time.monotonic() + 10
        while gate.children():
            assert time.monotonic() < deadline, "the process is still there"
            connection.send_as_taken(b"G")
            time.sleep(0.1)  # the pace of the drip, not a wait


@pytest.mark.parametrize("how", ["cut short", "too large", "broken chunk"])
def test_push_that_is_given_up_leaves_no_files(gate_with, root, how):
    """The quarantine of receive-pack is gone after the push."""
    gate, _ = gate_with("", "--max-push-bytes=3000000")
    objects = root / "repo.git" / "objects"
    half = create(root, pack=large_pack(4 << 20))[:2 << 20]
    with gate.connect() as connection:
        connection.send(head("POST", PUSH, PUSH_TYPE, "Transfer-Encoding: chunked"))
        connection.send(b"%x\r\n%s\r\n" % (len(half), half))
        wait_until("the pack is being stored", lambda: list(objects.glob("tmp_objdir*")))
        if how == "too large":
            connection.send_as_taken(b"%x\r\n%s\r\n" % (2 << 20, b"\0" * (2 << 20)))
            assert connection.response().status == 413
        elif how == "broken chunk":
            connection.send_as_taken(b"zz\r\n")
            assert connection.response().status == 400
    gate.wait_no_children()
    assert not list(objects.glob("**/*tmp*"))


def test_body_of_exactly_the_bound(gate_with):
    """git accepts the largest fetch that the gate lets through."""
    body = packet("command=fetch") + DELIMITER + packet(f"want {NO_OBJECT[1:]}1\n") + packet("done\n") + FLUSH
    gate, _ = gate_with("", f"--max-negotiation-bytes={len(body)}")
    with gate.connect() as connection:
        connection.send(head("POST", FETCH, FETCH_TYPE, PROTOCOL_2, f"Content-Length: {len(body)}") + body)
        response = connection.response()
    assert response.status == 200 and b"ERR upload-pack: not our ref" in response.body and response.complete


def test_cut_answer_to_http_1_0_ends_in_a_reset(gate_with):
    """Without chunks, the reset is the only sign that the answer is cut."""
    gate, _ = gate_with(f"{HEAD_TEXT}; {MUCH_TEXT}; exit 3")
    with gate.connect() as connection:
        connection.send(head("GET", INFO, version="1.0"))
        connection.socket.settimeout(10)
        with pytest.raises(ConnectionResetError):
            while connection.socket.recv(4096):
                pass


def children(pid):
    """The children of pid, including zombies."""
    stats = [(path.parent.name, path.read_text()) for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    return [int(name) for name, stat in stats if int(stat.rsplit(")", 1)[1].split()[1]) == pid]


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare(1)")
def test_gate_that_is_init_reaps_orphans(small_root, tmp_path):
    """In a container without an init, the gate adopts the orphans of a hook."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-receive").write_text("#!/bin/sh\n(sleep 0.1 & sleep 0.2 &)\nexit 1\n")
    (hooks / "pre-receive").chmod(0o755)
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", PROGRAM, "serve",
               *settle_hooks([*CONFINE_OPTIONS, f"--hooks-path={hooks}"]), "--listen=127.0.0.1:0",
               f"--mirror-root={small_root}", "--scope=repo"]
    if subprocess.run(command[:4] + ["true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("no process namespaces here")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=sys.stderr,
                          env={"PATH": "/usr/bin:/bin", "GIT_GATE_TOKEN": TOKEN}) as process:
        try:
            url = process.stdout.readline().split("//")[1].strip()
            init, = children(process.pid)
            for number in range(3):
                subprocess.run(["git", "-C", str(small_root / "repo.git"), "push", "--quiet",
                                f"http://x:{TOKEN}@{url}/repo.git", f"HEAD:refs/heads/orphan{number}"],
                               check=False, capture_output=True)
            wait_until("no zombie", lambda: not children(init))
        finally:
            for pid in children(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
