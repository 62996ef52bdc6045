# SPDX-License-Identifier: Apache-2.0
"""git_gate.GateServer: its log in Python's logging, and what it leaves when it stops."""

import asyncio
import gc
import logging
import os

import pytest

from .http import TOKEN
from .polling import wait_until
from .python_package import ask, is_served, load, needs_library
from .test_python import become, children, make, slow_git, threads, where  # noqa: F401  # fixtures

pytestmark = needs_library
git_gate = load()

TCP = {"host": "127.0.0.1", "port": 0}
ROUNDS = 20
FILLING = 600  # requests with a record of over 200 bytes each: more than a pipe of 64 KiB holds


@pytest.fixture(autouse=True)
def level(caplog):
    caplog.set_level(logging.DEBUG, "git_gate")


def gates(caplog):
    return [record.gate for record in caplog.records if record.name == "git_gate"]


def own_descriptors():
    """All open descriptors and their targets, without those of the listing and of event loops."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append((number, os.readlink(f"/proc/self/fd/{number}")))
        except FileNotFoundError:
            pass
    return sorted(found)


def test_records_go_to_logging(make, where, caplog):  # noqa: F811
    """Even the last record, which the gate writes at its end."""
    async def use():
        async with make(**where) as gate:
            assert ask(gate.address).status == 200
            assert ask(gate.address, token="wrong").status == 401
    asyncio.run(use())
    requests = [record for record in caplog.records if getattr(record, "gate", {}).get("message") == "request"]
    assert [(record.gate["status"], record.gate["repository"]) for record in requests] == [(200, "repo"), (401, "repo")]
    assert requests[0].levelno == logging.INFO and f"status={requests[0].gate['status']}" in requests[0].getMessage()
    assert gates(caplog)[-1]["message"] == "stopped"
    last = caplog.records[-1]
    assert (last.levelno, last.gate["level"]) == (logging.INFO, "notice")
    assert TOKEN not in caplog.text and TOKEN not in str(gates(caplog))


@pytest.mark.parametrize("wanted, known, unknown", [
    (logging.INFO, {"info", "notice"}, {"debug"}), (logging.WARNING, {"warning"}, {"debug", "info", "notice"})])
def test_the_loggers_level_at_the_start_is_the_gates(make, wanted, known, unknown):  # noqa: F811
    """The gate does not even write the other records. At the time of the requests the logger would accept all."""
    async def use():
        logger.setLevel(wanted)
        async with make(**TCP) as gate:
            logger.setLevel(logging.DEBUG)
            assert (ask(gate.address).status, ask(gate.address, token="wrong").status) == (200, 401)

    seen = set()
    logger = logging.getLogger("git_gate")
    collect = logging.Handler()
    collect.emit = lambda record: seen.add(record.gate["level"])
    logger.addHandler(collect)
    try:
        asyncio.run(use())
    finally:
        logger.removeHandler(collect)
    assert known <= seen and not seen & unknown


def test_log_level_is_kept(make, caplog):  # noqa: F811
    async def use():
        async with make(log_level="notice", **TCP) as gate:
            assert ask(gate.address).status == 200
    asyncio.run(use())
    assert {fields["level"] for fields in gates(caplog)} == {"notice"}


def test_log_fd_takes_the_log(make, caplog, tmp_path):  # noqa: F811
    async def use(log):
        async with make(log_fd=log, log_format="text", **TCP) as gate:
            assert ask(gate.address).status == 200
    with open(tmp_path / "log", "w", encoding="ascii") as log:
        asyncio.run(use(log))
    assert "stopped" in (tmp_path / "log").read_text() and not gates(caplog)
    with pytest.raises(TypeError, match="log_format"):
        make(log_format="text")


def test_a_blocked_loop_does_not_hold_up_clients(make, caplog):  # noqa: F811
    """The gate then drops records and counts them, so that the loss shows."""
    async def use():
        async with make(**TCP) as gate:
            for _ in range(FILLING):
                assert ask(gate.address, token=None).status == 401
            await become("the pipe is read", lambda: len(gates(caplog)) > 100)
            assert ask(gate.address).status == 200
    asyncio.run(use())
    refused = sum(fields["message"] == "request" and fields.get("status") == 401 for fields in gates(caplog))
    dropped = sum(fields.get("dropped_records", 0) for fields in gates(caplog))
    assert dropped > 0 and refused < FILLING <= refused + dropped
    assert gates(caplog)[-1]["message"] == "stopped"


def test_a_handler_that_fails_leaves_nothing(make):  # noqa: F811
    def refuse(_):
        raise LookupError("of the filter")

    async def use():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
        before = own_descriptors()
        async with make(**TCP) as gate:
            assert ask(gate.address).status == 200
        assert own_descriptors() == before
    failures = []
    logger = logging.getLogger("git_gate")
    logger.addFilter(refuse)
    try:
        asyncio.run(use())
    finally:
        logger.removeFilter(refuse)
    assert failures and all(isinstance(failure, LookupError) for failure in failures)


# ---- lifecycle: nothing is left ----


def test_rounds_leave_nothing(make, where, tmp_path):  # noqa: F811
    async def use():
        before, before_threads = own_descriptors(), threads()
        for _ in range(ROUNDS):
            gate = make(**where)
            await gate.stop()
            await gate.start()
            with pytest.raises(git_gate.GateError, match="runs already"):
                await gate.start()
            assert ask(gate.address).status == 200
            await gate.stop()
            await gate.stop()
            assert own_descriptors() == before
            with pytest.raises(git_gate.GateError):
                await make(**{**where, "scope": "missing"}).start()
            with pytest.raises(ValueError, match="socket_path"):
                await make().start()
            assert own_descriptors() == before
        await become("the end of all threads", lambda: threads() == before_threads)
        assert not list(tmp_path.glob("run/*"))
    asyncio.run(use())


@pytest.mark.parametrize("steps", range(4))
def test_a_start_cancelled_at_any_step_leaves_nothing(make, where, tmp_path, steps):  # noqa: F811
    async def use():
        before = own_descriptors()
        gate = make(**where)
        starting = asyncio.ensure_future(gate.start())
        for _ in range(steps):
            await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert gate.address is None and own_descriptors() == before
        assert not list(tmp_path.glob("run/*"))
        async with gate:
            assert ask(gate.address).status == 200
        assert own_descriptors() == before
    asyncio.run(use())


@pytest.mark.parametrize("steps", range(4))
def test_a_stop_cancelled_at_any_step_leaves_nothing(make, where, steps):  # noqa: F811
    async def use():
        before = own_descriptors()
        gate = make(**where)
        await gate.start()
        address = gate.address
        stopping = asyncio.ensure_future(gate.stop())
        for _ in range(steps):
            await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        await gate.stop()
        assert gate.address is None and not is_served(address) and own_descriptors() == before
    asyncio.run(use())


def test_stop_during_start_leaves_nothing(make, where, slow_git):  # noqa: F811
    async def use():
        before = own_descriptors()
        gate = make(**where)
        starting = asyncio.ensure_future(gate.start())
        await become("git is asked", lambda: "git" in children())
        stopping = asyncio.ensure_future(gate.stop())
        await asyncio.sleep(0)
        slow_git.touch()
        await asyncio.gather(starting, stopping)
        assert gate.address is None and own_descriptors() == before
    asyncio.run(use())


def test_stopped_by_another_loop(make, caplog):  # noqa: F811
    """asyncio.run() runs twice. The second loop passes on the records that the first has not read."""
    before = own_descriptors()
    gate = make(**TCP)
    asyncio.run(gate.start())
    assert ask(gate.address).status == 200
    asyncio.run(gate.stop())
    assert any(fields["message"] == "request" for fields in gates(caplog))
    assert gates(caplog)[-1]["message"] == "stopped" and own_descriptors() == before


@pytest.mark.parametrize("when", ["in the loop", "after the loop"])
def test_one_that_is_dropped_leaves_nothing(make, where, when):  # noqa: F811
    async def start():
        await gates_kept[0].start()
        if when == "in the loop":
            inside = own_descriptors()
            gates_kept.clear()
            gc.collect()
            await become("its pipe is closed", lambda: len(own_descriptors()) < len(inside))
    before = own_descriptors()
    gates_kept = [make(**where)]
    with pytest.warns(ResourceWarning, match="dropped"):
        asyncio.run(start())
        gates_kept.clear()
        gc.collect()
    wait_until("nothing is left", lambda: own_descriptors() == before)
