# SPDX-License-Identifier: Apache-2.0
"""Runs git's own CGI program under the web server lighttpd, with the settings that a gate gives git."""

import shutil
import socket
import subprocess

from .backends import NAME, real_exec_path
from .http import Connection, request
from .polling import wait_until
from .repos import ENVIRONMENT

START_SECONDS = 20


def program():
    """The path of lighttpd, or None. Debian installs it in a folder of root's PATH only."""
    return shutil.which("lighttpd", path="/usr/sbin:/usr/local/sbin") or shutil.which("lighttpd")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lighttpd:
    """lighttpd with mod_cgi, serving the repositories below root. settings: of git, (key, value) each."""

    def __init__(self, folder, root, settings):
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        variables = {"GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "token", "PATH": ENVIRONMENT["PATH"],
                     "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
                     "GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1",
                     "GIT_CONFIG_COUNT": str(len(settings))}
        for i, (key, value) in enumerate(settings):
            variables |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": value}
        cgi = ", ".join(f'"{name}" => "{value}"' for name, value in variables.items())
        configuration = folder / "lighttpd.conf"
        configuration.write_text(f"""
server.modules = ("mod_setenv", "mod_alias", "mod_cgi")
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {self.port}
server.upload-dirs = ("{folder}")
server.errorlog = "{folder}/lighttpd.log"
server.feature-flags = ("server.h2proto" => "disable")
alias.url = ("/" => "{real_exec_path() / NAME}/")
setenv.set-environment = ({cgi})
cgi.assign = ("" => "")
""")
        self.process = subprocess.Popen([program(), "-D", "-f", configuration], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        wait_until("lighttpd listens", self._listens, START_SECONDS)

    def _listens(self):
        assert self.process.poll() is None, "lighttpd does not start"
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def connect(self):
        return Connection(self.address)

    def ask(self, *arguments, **named):
        """One request, as Gate.ask()."""
        with self.connect() as connection:
            connection.send(request(*arguments, **named))
            return connection.response(arguments[0])

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=START_SECONDS)
