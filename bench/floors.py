# SPDX-License-Identifier: Apache-2.0
"""
The floors of bench/run: git's own programs, which a loop starts for each request, with no server in front.

Every server needs git-upload-pack for an answer, and all but one start it by git-http-backend.
The answer goes nowhere.
"""

import os
import pathlib
from collections.abc import Callable
from dataclasses import dataclass

import clients
import peers
from clients import Question
from places import ENVIRONMENT, exec_path
from program import Failed
from results import Visit

from e2e.repos import run_bounded

CGI_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Program:
    """command, environment: to start it. is_cgi: its answer begins with a CGI head."""
    command: tuple[str, ...]
    environment: dict[str, str]
    is_cgi: bool


def upload_pack(question: Question, root: pathlib.Path) -> Program:
    """Return git-upload-pack for a request, as git-http-backend would start it."""
    how = ["--stateless-rpc"] if question.body else ["--stateless-rpc", "--http-backend-info-refs"]
    return Program((f"{exec_path()}/git-upload-pack", *how, f"{root}/repo.git"),
                   {**ENVIRONMENT, **peers.CONFIGURATION, "GIT_PROTOCOL": question.protocol}, False)


def http_backend(question: Question, root: pathlib.Path) -> Program:
    """Return git-http-backend for a request, as a server would start it."""
    target, _, query = question.target.partition("?")
    return Program((peers.backend(),), {
        **ENVIRONMENT, **peers.CGI_ENVIRONMENT, "GIT_PROJECT_ROOT": str(root), "PATH_INFO": "/repo.git" + target,
        "QUERY_STRING": query, "REMOTE_USER": "token", "REQUEST_METHOD": "POST" if question.body else "GET",
        "CONTENT_TYPE": question.fields.get("Content-Type", ""), "CONTENT_LENGTH": str(len(question.body)),
        "GIT_PROTOCOL": question.protocol}, True)


# By the kind of the contender.
PROGRAMS: dict[str, Callable[[Question, pathlib.Path], Program]] = {"floor": upload_pack, "cgi": http_backend}


def check(program: Program, question: Question, seconds: float) -> None:
    """Run it once; fail if the answer is not the expected one. No Status field of CGI means 200."""
    result = run_bounded(program.command, seconds=seconds, environment=program.environment, data=question.body)
    head, _, body = result.stdout.partition(CGI_HEAD_END) if program.is_cgi else (b"", b"", result.stdout)
    if result.returncode or b"\nStatus:" in b"\n" + head or question.wanted not in body:
        raise Failed(f"{program.command[0]} answers something else")


def run(program: Program, question: Question, number: int, seconds: float, folder: pathlib.Path) -> Visit:
    """Run it over and over: in a loop for each client, or for each core if these are fewer."""
    source = folder / "input"
    source.write_bytes(question.body)
    return Visit(*clients.loop(program.command, program.environment, source, min(number, os.cpu_count()), seconds))
