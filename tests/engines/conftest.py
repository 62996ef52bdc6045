# SPDX-License-Identifier: Apache-2.0
"""Starts one gate for each engine, and writes the table of docs/hosts.md when it is asked for."""

import os
import sys
from pathlib import Path

import pytest

# The folder is no package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engines import ENGINES, Engine  # noqa: E402
from engines_table import Table  # noqa: E402
from host import Task  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--table", metavar="FILE", help="where to write the table of results, in Markdown")


def pytest_generate_tests(metafunc):
    """Each test runs in each of the wanted engines that it names, or in all."""
    if "engine" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("engines")
    wanted = os.environ.get("GIT_GATE_ENGINES", "").split() or list(ENGINES)
    named = [name for name in (marker.args if marker else ENGINES) if name in wanted]
    metafunc.parametrize("engine", [ENGINES[name] for name in named], ids=named, scope="module", indirect=True)


def pytest_collection_modifyitems(items):
    """Leave out tests for which no engine is wanted."""
    items[:] = [item for item in items if isinstance(item.callspec.params["engine"], Engine)]


def pytest_configure(config):
    config.addinivalue_line("markers", "engines(name, ...): the engines of a test, if not all")


@pytest.fixture(scope="module")
def engine(request):
    """The engine, ready for use. Tests of an engine that makes no container here are skipped."""
    engine = request.param
    table(request.config).add(engine)
    if engine.obstacle:
        pytest.skip(f"{engine.name}: {engine.obstacle}")
    return engine


@pytest.fixture(scope="module")
def task(engine):
    """task7 of the pages. Its gate runs on the host as the engine's user."""
    task = Task(engine.user)
    yield task
    task.stop()


def table(config):
    if not hasattr(config, "engines_table"):
        config.engines_table = Table()
    return config.engines_table


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    engine = getattr(getattr(item, "callspec", None), "params", {}).get("engine")
    if engine:
        table(item.config).note(engine, outcome.get_result())


def pytest_sessionfinish(session):
    for engine in ENGINES.values():
        engine.close()
    if path := session.config.getoption("--table"):
        Path(path).write_text(table(session.config).text())
