# SPDX-License-Identifier: Apache-2.0
"""Checks shared by the tests that speak raw HTTP. The repository is always repo.git."""

import json

from .packets import FETCH_TYPE, NO_OBJECT, PROTOCOL_2, ls_refs, push
from .reasons import REASONS
from .repos import refs
from .targets import FETCH

LFS_TYPE = "application/vnd.git-lfs+json"
CHALLENGE = 'Basic realm="git-gate", charset="UTF-8"'


def check_error(response, status, sends_body=True):
    """
    Check an error's form: one line of plain text that says more than the status, and a word for programs.

    Below /REPO.git/info/lfs/ the line is a JSON object with the text as its message.
    """
    allowed = status if isinstance(status, tuple) else (status,)
    assert response.status in allowed, response
    assert response.complete
    is_lfs = response.reason == "no-lfs"
    assert response.fields["content-type"] == (LFS_TYPE if is_lfs else "text/plain; charset=utf-8")
    assert REASONS.get(response.reason) == response.status, response
    if sends_body:
        text = response.body.decode("ascii")
        if is_lfs:
            assert json.loads(text).keys() == {"message"} and "\\" not in text
        assert text.endswith("\n") and text.count("\n") == 1 and len(text) > 15, text
    assert (response.fields.get("www-authenticate") == CHALLENGE) == (response.status == 401)


def check_serves(gate):
    """Check that the gate still serves as before."""
    response = gate.ask("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=ls_refs())
    assert (response.status, response.complete) == (200, True) and b"refs/heads/main" in response.body
    gate.wait_no_children()


def check_ends_with(gate, data, status):
    """Check that these bytes get an error, even before all of them are sent, and leave nothing."""
    with gate.connect() as connection:
        connection.send_as_taken(data)
        check_error(connection.response(), status)
    gate.wait_no_children()


def create(root, name="refs/heads/new", pack=None):
    """The body of a push that creates a ref to an existing commit."""
    return push([(NO_OBJECT, refs(root / "repo.git")["refs/heads/main"], name)], pack)
