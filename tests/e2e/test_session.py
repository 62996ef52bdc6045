# SPDX-License-Identifier: Apache-2.0
"""The recorded session in the README: it is small, shows no token, and equals today's output."""

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .bridge import is_sanitized
from .gate import PROGRAM, environment

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "session.svg"
MAX_BYTES = 60_000
OWN = re.compile(r"\d\. |All of this|    (\$ |listening |git clone |\[|    |    deny|The gate's)|.* push id=")


def lines(text):
    return ["".join(element.itertext()) for element in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]


def test_picture():
    text = PICTURE.read_text()
    assert len(text) < MAX_BYTES and "docs/session.svg" in (ROOT / "README.md").read_text()
    assert any("result=ok" in line for line in lines(text)) and any("result=refused" in line for line in lines(text))
    assert not re.search("gate-[0-9a-f]{8}|[0-9a-f]{12}", text) and "script" not in text


@pytest.mark.skipif(is_sanitized(), reason="under --confine, LeakSanitizer ends git-gate-hook with a failure")
def test_picture_is_of_this_program():
    """git's own words may differ, as they change from release to release."""
    drawn = subprocess.run([ROOT / "script" / "record", PROGRAM], capture_output=True, text=True, check=True,
                           env=environment(LC_ALL="C")).stdout
    own = [line for line in lines(drawn) if OWN.match(line)]
    assert len(own) > 20 and own == [line for line in lines(PICTURE.read_text()) if OWN.match(line)], \
        "docs/session.svg is another session: script/record >docs/session.svg"


def test_failure(tmp_path):
    result = subprocess.run([ROOT / "script" / "record", tmp_path / "none"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "") and "no session" in result.stderr
