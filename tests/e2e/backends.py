# SPDX-License-Identifier: Apache-2.0
"""
Makes folders for GIT_EXEC_PATH in which git-http-backend is a script.

The gate finds the program by `git --exec-path` and starts it by its own path, so the script runs in place of the real
one. It records each run, reports its input, or misbehaves in a way that is rare in the real one.
"""

import contextlib
import errno
import os
import subprocess
from pathlib import Path

from .polling import wait_until
from .repos import ENVIRONMENT

NAME = "git-http-backend"

# Pieces of a prelude: a CGI head of 200, a longer answer than the gate holds back, and a wait for the test. The long
# answer ends with a byte that occurs nowhere else in it, in a head or between chunks.
HEAD_TEXT = "printf 'Content-Type: application/x-git-upload-pack-advertisement\\r\\n\\r\\n'"
MUCH_END = b"$"
MUCH = bytes(99_999) + MUCH_END
MUCH_TEXT = f"{{ head -c {len(MUCH) - 1} /dev/zero; printf '%s' '{MUCH_END.decode()}'; }}"
HOLD = 'read -r _ <"$here/hold"'


def real_exec_path():
    return Path(subprocess.run(["git", "--exec-path"], env=ENVIRONMENT, check=True, capture_output=True,
                               text=True).stdout.strip())


class ExecPath:
    """
    A folder with all of git's programs except git-http-backend.

    A shell script takes its place: it appends a line to the file "runs", runs the prelude, and goes on as the real
    program. In the prelude, $here is the folder; a prelude that ends with `exit` replaces the real program. The folder
    must lie where confined processes may write. Elsewhere the script fails, as an unrecorded run would look like none.
    """

    def __init__(self, folder, prelude=""):
        self.path = Path(folder)
        self.path.mkdir(parents=True)
        for program in real_exec_path().iterdir():
            if program.name != NAME:
                os.symlink(program, self.path / program.name)
        self.program = self.path / NAME
        self.program.write_text(f"""#!/bin/sh
here=${{0%/*}}
printf '%s %s\\n' "$REQUEST_METHOD" "$PATH_INFO" >>"$here/runs" || exit 1
{prelude}
exec '{real_exec_path() / NAME}'
""")
        self.program.chmod(0o755)
        os.mkfifo(self.path / "hold")

    @property
    def runs(self):
        """The runs so far: a method and a path each."""
        log = self.path / "runs"
        return log.read_text().splitlines() if log.exists() else []

    @contextlib.contextmanager
    def held(self):
        """Wait for a script to wait at HOLD. At the end of the block, let it go on."""
        def reached():
            try:
                return (os.open(self.path / "hold", os.O_WRONLY | os.O_NONBLOCK),)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
        descriptor, = wait_until("the script waits", reached)
        try:
            yield
        finally:
            os.write(descriptor, b"\n")
            os.close(descriptor)

    def release(self):
        """Let one script go on that waits, or will soon wait, at HOLD."""
        with self.held():
            pass
