# SPDX-License-Identifier: Apache-2.0
"""The binary interface of libgitgate: what a program was built with, and script/abi, which compares releases."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .header import HEADER, constants, functions
from .repos import ENVIRONMENT, git, work_tree

ROOT = Path(__file__).resolve().parents[2]

# Once released, a change of one of these needs another soversion in meson.build.
FUNCTIONS = {
    "gate_config_new": ("int", "structgate_config**"),
    "gate_config_set": ("int", "structgate_config*", "char*", "char*", "structgate_error*"),
    "gate_config_free": ("structgate_config*", "structgate_config*"),
    "gate_server_new": ("int", "structgate_server**", "structgate_config*", "structgate_error*"),
    "gate_server_start": ("int", "structgate_server*", "structgate_error*"),
    "gate_server_address": ("char*", "structgate_server*"),
    "gate_server_stop": ("int", "structgate_server*"),
    "gate_server_free": ("structgate_server*", "structgate_server*"),
    "gate_mint_token": ("int", "char*", "size_t", "char*"),
}
CONSTANTS = {"GATE_ERROR_MESSAGE_MAX": 512, "GATE_TOKEN_MAX": 256, "GATE_E_INTERNAL": 1, "GATE_E_USAGE": 2, "GATE_E_START": 4}
LAYOUT = """
#include <stddef.h>
#include <gitgate.h>
_Static_assert(sizeof(struct gate_error) == 516 && offsetof(struct gate_error, message) == 4, "struct gate_error");
"""


def test_interface_of_soversion_0(tmp_path):
    assert "soversion: '0'," in (ROOT / "meson.build").read_text()
    assert functions() == FUNCTIONS and constants() == CONSTANTS
    (tmp_path / "layout.c").write_text(LAYOUT)
    subprocess.run(["cc", "-I", HEADER.parent, "-c", "-o", tmp_path / "o", tmp_path / "layout.c"], check=True)


# A library so small that its build takes no time.
TREE = {
    "meson.build": """project('x', 'c')
shared_library('gitgate', 'x.c', include_directories: 'include', version: '0.1.0', soversion: '0')
""",
    "meson_options.txt": """option('musl', type: 'feature')
option('static', type: 'string')
option('python', type: 'feature')
""",
    "include/gitgate.h": "struct gate_error { int code; };\nint gate_ask(struct gate_error *error);\nint gate_end(void);\n",
    "x.c": """#include "gitgate.h"
int gate_ask(struct gate_error *error) { return error->code; }
int gate_end(void) { return 0; }
""",
}


@pytest.fixture
def project(tmp_path):
    """A project with script/abi and one commit."""
    missing = [program for program in ("abidiff", "meson", "readelf") if not shutil.which(program)]
    if missing:
        pytest.skip(f"needs {missing[0]}(1)")
    work = work_tree(tmp_path / "work")
    (work / "script").mkdir()
    for name in ("abi", "lib"):
        shutil.copy(ROOT / "script" / name, work / "script")
    for name, text in TREE.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(text)
    git("add", ".", cwd=work)
    git("commit", "--quiet", "-m", "Release", cwd=work)
    return work


def compare(project, *arguments):
    return subprocess.run([project / "script" / "abi", *arguments], capture_output=True, text=True, check=False,
                          env={**ENVIRONMENT, "TMPDIR": os.environ.get("TMPDIR", "/tmp")})


def test_without_a_release(project):
    result = compare(project)
    assert (result.returncode, result.stdout) == (0, "abi: there is no release to compare with yet\n")
    assert compare(project, "v9").returncode == compare(project, "--brew").returncode == 2


@pytest.mark.parametrize("name, old, new, status, words", [
    ("x.c", "return 0;", "return 1;", 0, "still fits"),
    ("include/gitgate.h", "int gate_end(void);", "int gate_end(void);\nint gate_more(void);", 0, "still fits"),
    ("include/gitgate.h", "int code;", "long code;", 1, "the soversion in meson.build has to change"),
    ("x.c", "int gate_end(void)", "int gate_ends(void)", 1, "gate_end"),
    ("meson.build", "soversion: '0'", "soversion: '1'", 0, "libgitgate.so.0 has been followed by libgitgate.so.1"),
])
def test_comparison_with_a_release(project, name, old, new, status, words):
    git("tag", "v0.1.0", cwd=project)
    (project / name).write_text(TREE[name].replace(old, new))
    result = compare(project)
    assert result.returncode == status and words in result.stdout + result.stderr, result
