# SPDX-License-Identifier: Apache-2.0
"""Starts gates as the end-to-end tests do, and writes the table of docs/clients.md when it is asked for."""

import sys
from pathlib import Path

import pytest

# The folder is not a package, because bench has a module of the same name.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from clients_table import Table  # noqa: E402
from e2e.conftest import (pytest_configure, pytest_runtest_setup,  # noqa: E402, F401 (pytest finds them by their names)
                          start_gate, start_module_gate)


def pytest_addoption(parser):
    parser.addoption("--table", metavar="FILE", help="where to write the table of results, in Markdown")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Note the outcome of each test that has a client."""
    outcome = yield
    report = outcome.get_result()
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if "client" in parameters and (report.when == "call" or report.skipped):
        table(item.config).note(parameters["client"], parameters["way"], item.originalname, report)


def table(config):
    if not hasattr(config, "clients_table"):
        config.clients_table = Table()
    return config.clients_table


def pytest_sessionfinish(session):
    path = session.config.getoption("--table")
    if path:
        with open(path, "w") as file:
            file.write(table(session.config).text())
