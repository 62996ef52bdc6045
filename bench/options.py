# SPDX-License-Identifier: Apache-2.0
"""Reads the options of bench/run and checks them first, so that a mistake shows before a long run."""

import argparse
import os
import pathlib
import shutil

import contenders
import peers
import program
import standing
import workloads
from places import SEARCH_PATH
from spread import LEAST_ROUNDS

SERVERS = (*peers.WEB, "daemon")
FULL_MOST_ROUNDS, FULL_SECONDS, FULL_MINUTES = 20, 1, 25
QUICK_ROUNDS, QUICK_SECONDS = 1, 0.3
MOST_ROUNDS, MOST_SECONDS, MOST_MINUTES = 100, 60, 600


def parse(document: str) -> argparse.Namespace:
    """Read the arguments; document: the text of --help."""
    parser = program.parser(document)
    parser.add_argument("--rounds", type=int, help=f"of every row ({LEAST_ROUNDS})")
    parser.add_argument("--most-rounds", type=int, help=f"of a row whose claims are undecided ({FULL_MOST_ROUNDS})")
    parser.add_argument("--minutes", type=float, default=FULL_MINUTES, help="after which no round begins (%(default)s)")
    parser.add_argument("--seconds", type=float, help=f"for each measurement of requests ({FULL_SECONDS})")
    parser.add_argument("--quick", action="store_true", help="a trial of the bench, whose figures mean nothing")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORKLOAD", help="a name, or what names begin with")
    parser.add_argument("--servers", default=",".join(SERVERS), help="%(default)s")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=URL")
    parser.add_argument("--mirror", type=pathlib.Path, metavar="DIR", help="has repo.git, or it is made there")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    arguments = parser.parse_args()
    check_numbers(parser, arguments)
    check_servers(parser, arguments)
    check_peers(parser, arguments)
    check_rows(parser, arguments)
    check_file(parser, arguments)
    return arguments


def check_numbers(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Fill in the counts and times, which depend on --quick."""
    if arguments.rounds is None:
        arguments.rounds = QUICK_ROUNDS if arguments.quick else LEAST_ROUNDS
    if arguments.most_rounds is None:
        arguments.most_rounds = max(arguments.rounds, QUICK_ROUNDS if arguments.quick else FULL_MOST_ROUNDS)
    if arguments.seconds is None:
        arguments.seconds = QUICK_SECONDS if arguments.quick else FULL_SECONDS
    if not 0 <= arguments.rounds <= arguments.most_rounds <= MOST_ROUNDS:
        parser.error(f"it takes 0 to {MOST_ROUNDS} rounds, and at least as many at most")
    if not 0 < arguments.seconds <= MOST_SECONDS or not 0 < arguments.minutes <= MOST_MINUTES:
        parser.error(f"it takes up to {MOST_SECONDS} seconds and {MOST_MINUTES} minutes")
    if not arguments.rounds and not arguments.mirror:
        parser.error("--rounds=0 makes what --mirror names, and nothing is named")


def check_servers(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Split the names of servers. A missing server is left out later, a missing client is an error."""
    arguments.servers = [name for name in arguments.servers.split(",") if name]
    if unknown := set(arguments.servers) - set(SERVERS):
        parser.error(f"--servers does not take {', '.join(sorted(unknown))}: it takes {','.join(SERVERS)}")
    if not shutil.which("h2load", path=SEARCH_PATH):
        parser.error("there is no h2load (script/bootstrap --bench)")


def check_peers(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Split names and addresses."""
    arguments.peer = [peer.partition("=")[::2] for peer in arguments.peer]
    if any(not name or not contenders.is_local(url) for name, url in arguments.peer):
        parser.error("--peer takes NAME=http://USER:PASSWORD@127.0.0.1:PORT/NAME.git, on the loopback alone")
    names = [*contenders.KEYS, *SERVERS, *(name for name, _ in arguments.peer)]
    if taken := [name for name in names if names.count(name) > 1]:
        parser.error(f"--peer {taken[0]}: there is one of that name already")
    if arguments.peer and not arguments.mirror:
        parser.error("--peer needs --mirror, whose repository it serves a copy of")


def check_rows(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Check that each name is known."""
    rows = [*workloads.workloads(0, 0), *standing.rows(0)]
    if nothing := [name for name in arguments.only if not chosen(rows, [name])]:
        parser.error(f"--only {nothing[0]}: there is {', '.join(row.key for row in rows)}")


def check_file(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Check that the results can be written at the end."""
    path = arguments.json
    if path and (path.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK)):
        parser.error(f"{path} cannot be written")


def chosen(rows: list, names: list[str]) -> list:
    """Return the requested rows."""
    return [row for row in rows if not names or row.key.startswith(tuple(names))]
