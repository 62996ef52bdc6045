# SPDX-License-Identifier: Apache-2.0
"""
Clients that run git normally, and check the results.

Each takes the site and a random.Random. It raises AssertionError, with git's output, if anything is amiss.
"""

import os
from pathlib import Path

from e2e.http import Connection, request
from e2e.packets import FETCH_TYPE, PROTOCOL_2, ls_refs
from e2e.repos import commit, git, out, remote_refs
from e2e.targets import FETCH, INFO

from .site import REFUSED

GIT_SECONDS = 60
LARGE_PUSH_BYTES = 2 << 20  # twice the largest body that git's client sends with a length: longer ones go in chunks
CROWD = 40


def client(*arguments, random=None, **named):
    """Run git as a client, of protocol 0 now and then."""
    version = ["-c", f"protocol.version={random.choice((0, 2, 2))}"] if random else []
    return git(*version, *arguments, seconds=GIT_SECONDS, **named)


def clone(site, random):
    with site.new_folder() as folder:
        client("clone", "--quiet", "--bare", site.gate.url(), folder, random=random)
        assert out("rev-parse", "main", "large", cwd=folder).split() == [site.main, site.large]
        git("fsck", "--strict", "--no-dangling", cwd=folder)


def shallow_clone(site, random):
    with site.new_folder() as folder:
        client("clone", "--quiet", f"--depth={random.randint(1, 20)}", site.gate.url(), folder, random=random)
        assert out("rev-parse", "HEAD", cwd=folder) == site.main
        client("fetch", "--quiet", "--unshallow", cwd=folder, random=random)
        assert out("rev-list", "--count", "HEAD", cwd=folder) == out("rev-list", "--count", "main", cwd=site.copy)


def partial_clone(site, _random):
    """Clone without files, which checkout then fetches."""
    with site.new_folder() as folder:
        client("clone", "--quiet", "--filter=blob:none", "--single-branch", site.gate.url(), folder)
        assert out("rev-parse", "HEAD", cwd=folder) == site.main
        client("checkout", "--quiet", "HEAD~40", cwd=folder)


def fetch(site, random):
    """Fetch into a repository that has a part of the history."""
    with site.new_folder() as folder:
        git("clone", "--quiet", "--bare", site.behind, folder)
        client("fetch", "--quiet", site.gate.url(), "main:fetched", cwd=folder, random=random)
        assert out("rev-parse", "fetched", cwd=folder) == site.main


def list_refs(site, random):
    seen = remote_refs(client("ls-remote", site.gate.url(), random=random).stdout)
    assert {name: seen.get(name) for name in site.refs} == site.refs


def push_and_delete(site, size):
    name = f"refs/pushed/{site.new_number()}"  # no ref that a clone asks for, as it may just be gone
    with site.new_folder() as folder:
        git("clone", "--quiet", "--branch=main", "--single-branch", site.copy, folder)
        oid = commit(Path(folder), "new", os.urandom(size))
        client("push", "--quiet", site.gate.url(), f"HEAD:{name}", cwd=folder)
        assert remote_refs(client("ls-remote", site.gate.url(), name).stdout) == {name: oid}
        client("push", "--quiet", site.gate.url(), f":{name}", cwd=folder)
        assert not client("ls-remote", site.gate.url(), name).stdout


def small_push(site, random):
    push_and_delete(site, random.randint(1, 2000))


def large_push(site, _random):
    push_and_delete(site, LARGE_PUSH_BYTES)


def push_that_the_hook_refuses(site, _random):
    result = client("push", site.gate.url(), f"main:{REFUSED}{site.new_number()}", cwd=site.behind, ok=False)
    assert "refused by the hook" in result.stderr, result.stderr


def push_that_is_no_fast_forward(site, _random):
    result = client("push", "--force", site.gate.url(), "main:main", cwd=site.behind, ok=False)
    assert "non-fast-forward" in result.stderr, result.stderr


def crowd(site, _random):
    """Many at once, more than the gate's limit on git processes."""
    connections = []
    try:
        for _ in range(CROWD):
            connections.append(Connection(site.gate.address))
        for number, connection in enumerate(connections):
            connection.send(request("GET", INFO) if number % 2 else
                            request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=ls_refs()))
        for connection in connections:
            response = connection.response()
            assert response.status == 200 and response.complete and site.main.encode() in response.body, response
    finally:
        for connection in connections:
            connection.close()


READERS = [clone, shallow_clone, partial_clone, fetch, list_refs]
WRITERS = [small_push, large_push, push_that_the_hook_refuses, push_that_is_no_fast_forward]
