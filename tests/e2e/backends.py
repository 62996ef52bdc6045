# SPDX-License-Identifier: Apache-2.0
"""
Makes folders for GIT_EXEC_PATH in which scripts replace git-http-backend, and git where the gate starts a service.

The gate finds the programs by `git --exec-path` and starts them by their own paths, so the scripts run in place of the
real ones. They record each run, report their input, or misbehave in a way that is rare in the real ones.
"""

import contextlib
import errno
import os
import subprocess
from pathlib import Path

from .gate import BACKEND
from .polling import wait_until
from .repos import ENVIRONMENT

BACKENDS = ["services", "http-backend"]
NAME = "git-http-backend"

# Pieces of a prelude: the text before a service's own output, an answer longer than the gate holds back, and a wait for
# the test. The long answer ends with a byte that occurs nowhere else in it, in a head or between chunks.
HEAD_TEXT = "say_head"
MUCH_END = b"$"
MUCH = bytes(99_999) + MUCH_END
MUCH_TEXT = f"{{ head -c {len(MUCH) - 1} /dev/zero; printf '%s' '{MUCH_END.decode()}'; }}"
HOLD = 'read -r _ <"$here/hold"'


def real_exec_path():
    return Path(subprocess.run(["git", "--exec-path"], env=ENVIRONMENT, check=True, capture_output=True,
                               text=True).stdout.strip())


SCRIPT = """#!/bin/sh
here=${{0%/*}}
{own}
printf '%s %s\\n' "$REQUEST_METHOD" "$PATH_INFO" >>"$here/runs" || exit 1
{prelude}
exec '{real}' "$@"
"""

CGI = r"""say_head() {
    printf 'Content-Type: application/x-git-upload-pack-advertisement\r\n\r\n'
    [ "$REQUEST_METHOD $QUERY_STRING" != "GET service=git-upload-pack" ] || printf '001e# service=git-upload-pack\n0000'
}"""

# git. When git, a hook or git-http-backend starts it, their repository is "." and the script runs the real git. The gate
# hides all references but HEAD when a client asks for HEAD.
SERVICE = r"""say_head() { :; }
for last; do :; done
case "$1 $2 $last" in
"upload-pack --stateless-rpc /"* | "receive-pack --stateless-rpc /"*)
    REQUEST_METHOD=POST PATH_INFO=/${last##*/}/git-$1 QUERY_STRING=;;
"upload-pack --http-backend-info-refs /"* | "receive-pack --http-backend-info-refs /"*)
    REQUEST_METHOD=GET PATH_INFO=/${last##*/}/info/refs QUERY_STRING=service=git-$1
    eval "hidden=\$GIT_CONFIG_VALUE_$((GIT_CONFIG_COUNT - 1))"
    [ "$hidden" != refs ] || PATH_INFO=/${last##*/}/HEAD QUERY_STRING=;;
*)
    exec 'REAL' "$@";;
esac"""


# The line before a service's own output in the answer to INFO, and the status when a service fails without any output.
LINE = b"001e# service=git-upload-pack\n0000"
SILENT_FAILURE = 500 if BACKEND == "services" else 502

# The option for behaviour that only a CGI program can show.
CGI_BACKEND = "--backend=http-backend"


class ExecPath:
    """
    A folder with all of git's programs except those that a gate starts.

    Shell scripts take their place: they append a line to the file "runs", run the prelude, and go on as the real programs.
    In the prelude, $here is the folder, and REQUEST_METHOD, PATH_INFO and QUERY_STRING are set for both backends. A prelude
    that ends with `exit` replaces the real program. The folder must lie where confined processes may write. Elsewhere the
    scripts fail, as an unrecorded run would look like none.
    """

    def __init__(self, folder, prelude=""):
        self.path = Path(folder)
        self.path.mkdir(parents=True)
        own = {NAME: CGI, "git": SERVICE.replace("REAL", str(real_exec_path() / "git"))}
        for program in real_exec_path().iterdir():
            if program.name not in own:
                os.symlink(program, self.path / program.name)
        for name, text in own.items():
            program = self.path / name
            program.write_text(SCRIPT.format(own=text, prelude=prelude, real=real_exec_path() / name))
            program.chmod(0o755)
        os.mkfifo(self.path / "hold")

    @property
    def program(self):
        """The program that the gate starts for a service."""
        return self.path / ("git" if BACKEND == "services" else NAME)

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
