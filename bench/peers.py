# SPDX-License-Identifier: Apache-2.0
"""
git-gate and general web servers in front of the same git-http-backend, for bench/hostile.

Each peer serves one repository to one user, as `git help http-backend` and its own documentation say. Limits on bodies
are off and those on heads above the gate's; what those texts do not speak of keeps its default. All listen on the
loopback, have their files in a folder of their own and are ended by their process ids. Each has its own copy of the
mirror, whose path marks the processes that serve it: it stands in their environment.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field

from faults import processes_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATE = os.environ.get("GIT_GATE", str(ROOT / "build" / "git-gate"))
SEARCH_PATH = f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin"
ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C"}
# Whatever configuration the machine has must not matter; the gate says the same to git by itself.
CGI_ENVIRONMENT = {"GIT_HTTP_EXPORT_ALL": "1", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
APACHE_MODULES = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules")
APACHE_USER = "www-data"  # started by root, Apache does not serve as root
PROCESSES = 16  # the gate's --max-backends
START_SECONDS = 10
STOP_SECONDS = 20


@dataclass
class Place:
    """What a server is given. folder: for its files; root: its copy of the mirror; token: the user's name."""
    folder: pathlib.Path
    root: pathlib.Path
    token: str
    port: int = 0
    started: list = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        """What a client connects to."""
        return "127.0.0.1", self.port

    def write(self, name: str, text: str) -> pathlib.Path:
        """Make one of the server's files."""
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, *command, **options) -> subprocess.Popen:
        """Start a program, in a session of its own: Apache signals its whole process group."""
        with (self.folder / "stderr").open("ab") as log:
            process = subprocess.Popen(list(map(str, command)), start_new_session=True, stdin=subprocess.DEVNULL,
                                       stderr=log, **{"env": ENVIRONMENT, **options})
        self.started.append(process)
        return process

    def stop(self) -> None:
        """End what was started, last first, and what git has left."""
        for process in reversed(self.started):
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.end_git()

    def git_processes(self) -> set[int]:
        """Ids of git-http-backend and all that it started, also when their parents are gone, and of zombies."""
        parents, zombies = process_table()
        family = {process.pid for process in self.started}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return set(processes_of(self.root)) | (zombies & family)

    def end_git(self) -> None:
        """Kill these processes."""
        for pid in self.git_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def process_table() -> tuple[dict[int, int], set[int]]:
    """Return the parent of every process, and which are zombies (proc(5))."""
    parents, zombies = {}, set()
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                parents[int(entry.name)] = int(parent)
                if state == "Z":
                    zombies.add(int(entry.name))
    return parents, zombies


def output(*command: str) -> str:
    """Return all that a program says."""
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=ENVIRONMENT).stdout.strip()


def version(pattern: str, *command: str) -> str:
    """Return the version in what a program says."""
    match = re.search(pattern, output(*command))
    return match.group(1) if match else "of unknown version"


def backend() -> str:
    """Return the path of git-http-backend."""
    return output("git", "--exec-path") + "/git-http-backend"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(place: Place) -> None:
    """Wait until the server listens."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and all(process.poll() is None for process in place.started):
        with contextlib.suppress(OSError), socket.create_connection(place.address):
            return
        time.sleep(0.02)
    raise SystemExit(f"hostile: this server does not start:\n{(place.folder / 'stderr').read_text()}")


def passwords(place: Place) -> pathlib.Path:
    """Make the file with the one user, whose password is empty as the data files have it."""
    return place.write("htpasswd", f"{place.token}:{output('openssl', 'passwd', '-apr1', '')}\n")


def start_gate(place: Place) -> str:
    """Start git-gate; return what it is."""
    process = place.start(GATE, "serve", f"--mirror-root={place.root}", "--scope=repo", "--listen=127.0.0.1:0",
                          "--log-level=error", stdout=subprocess.PIPE,
                          env={**ENVIRONMENT, "GIT_GATE_TOKEN": place.token})
    line = process.stdout.readline().decode()
    if not line.startswith("listening "):
        raise SystemExit(f"hostile: the gate does not start:\n{(place.folder / 'stderr').read_text()}")
    place.port = int(line.rsplit(":", 1)[1])
    return "git-gate " + version(r"([0-9][0-9.]*)", GATE, "--version")


def start_nginx(place: Place) -> str:
    """Start nginx with fcgiwrap; return what it is."""
    place.port = free_port()
    socket_path = place.folder / "fcgiwrap.sock"
    place.start("fcgiwrap", "-s", f"unix:{socket_path}", "-c", PROCESSES)
    temporary = "\n".join(f"  {kind}_temp_path {place.folder}/{kind};"
                          for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    cgi = {"SCRIPT_FILENAME": backend(), "GIT_PROJECT_ROOT": place.root, **CGI_ENVIRONMENT, "PATH_INFO": "$uri",
           "QUERY_STRING": "$query_string", "REQUEST_METHOD": "$request_method", "CONTENT_TYPE": "$content_type",
           "CONTENT_LENGTH": "$content_length", "GIT_PROTOCOL": "$http_git_protocol", "REMOTE_USER": "$remote_user",
           "REMOTE_ADDR": "$remote_addr", "REMOTE_PORT": "$remote_port", "SERVER_PROTOCOL": "$server_protocol",
           "SERVER_SOFTWARE": "nginx", "GATEWAY_INTERFACE": "CGI/1.1"}
    parameters = "\n".join(f"      fastcgi_param {name} {value};" for name, value in cgi.items())
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = place.write("nginx.conf", f"""
daemon off; {user} worker_processes 2; pid {place.folder}/nginx.pid; error_log {place.folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_max_body_size 0;
  large_client_header_buffers 8 32k;
{temporary}
  server {{
    listen 127.0.0.1:{place.port};
    location /repo.git/ {{
      auth_basic git;
      auth_basic_user_file {passwords(place)};
{parameters}
      fastcgi_pass unix:{socket_path};
    }}
  }}
}}
""")
    place.start("nginx", "-e", place.folder / "nginx.log", "-c", configuration)
    return (f"nginx {version(r'nginx/([0-9.]+)', 'nginx', '-v')} "
            f"with fcgiwrap {version(r'version ([0-9.]+)', 'fcgiwrap', '-h')}")


def start_lighttpd(place: Place) -> str:
    """Start lighttpd with mod_cgi; return what it is."""
    place.port = free_port()
    cgi = ", ".join(f'"{name}" => "{value}"' for name, value in {**CGI_ENVIRONMENT,
                                                                 "GIT_PROJECT_ROOT": place.root}.items())
    configuration = place.write("lighttpd.conf", f"""
server.modules = ("mod_auth", "mod_authn_file", "mod_setenv", "mod_alias", "mod_cgi")
server.document-root = "{place.folder}/empty"
server.bind = "127.0.0.1"
server.port = {place.port}
server.upload-dirs = ("{place.folder}")
server.max-request-field-size = 32768
server.errorlog = "{place.folder}/lighttpd.log"
auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "{passwords(place)}"
# The files speak HTTP/1, and the other servers do not speak HTTP/2 unless told to.
server.feature-flags = ("server.h2proto" => "disable")
$HTTP["url"] =~ "^/repo\\.git/" {{
  alias.url = ("/" => "{backend()}/")
  auth.require = ("" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
  setenv.set-environment = ({cgi})
  cgi.assign = ("" => "")
}}
""")
    (place.folder / "empty").mkdir()
    place.start("lighttpd", "-D", "-f", configuration)
    return "lighttpd " + version(r"lighttpd/([0-9.]+)", "lighttpd", "-v")


def start_apache(place: Place) -> str:
    """Start Apache with mod_cgid and mod_auth_basic; return what it is."""
    place.port = free_port()
    user = ""
    if os.geteuid() == 0:
        user = f"User {APACHE_USER}\nGroup {APACHE_USER}"
        for path in (place.folder, place.root, *place.root.rglob("*")):
            shutil.chown(path, APACHE_USER, APACHE_USER)
    folder = next(path for path in APACHE_MODULES if os.path.isdir(path))
    modules = "\n".join(f"LoadModule {name}_module {folder}/mod_{name}.so" for name in (
        "mpm_event", "alias", "env", "setenvif", "cgid", "auth_basic", "authn_core", "authn_file", "authz_core",
        "authz_user", "reqtimeout"))
    variables = "\n".join(f"SetEnv {name} {value}" for name, value in CGI_ENVIRONMENT.items())
    configuration = place.write("apache.conf", f"""
{modules}
ServerRoot {place.folder}
ServerName gate.test
Listen 127.0.0.1:{place.port}
{user}
PidFile {place.folder}/apache.pid
DefaultRuntimeDir {place.folder}
ScriptSock {place.folder}/cgid.sock
ErrorLog {place.folder}/apache.log
LimitRequestBody 0
LimitRequestFieldSize 32768
# As Debian's mods-available/reqtimeout.conf has it.
RequestReadTimeout header=20-40,minrate=500 body=20,minrate=500
{variables}
SetEnv GIT_PROJECT_ROOT {place.root}
SetEnvIf Git-Protocol ".*" GIT_PROTOCOL=$0
ScriptAlias /repo.git/ {backend()}/repo.git/
<Location /repo.git/>
  AuthType Basic
  AuthName git
  AuthUserFile {passwords(place)}
  Require valid-user
</Location>
""")
    place.start(apache_program(), "-DFOREGROUND", "-f", configuration)
    return "Apache " + version(r"Apache/([0-9.]+)", apache_program(), "-v")


def apache_program() -> str:
    """Return the name that Apache's program has here."""
    return "apache2" if shutil.which("apache2", path=SEARCH_PATH) else "httpd"


# By their short names: what must be installed, and what starts it.
SERVERS = {
    "gate": ((GATE,), start_gate),
    "nginx": (("nginx", "fcgiwrap", "openssl"), start_nginx),
    "lighttpd": (("lighttpd", "openssl"), start_lighttpd),
    "apache": ((apache_program(), "openssl"), start_apache),
}


def missing(name: str) -> list[str]:
    """Return what a server needs and is not installed."""
    absent = [program for program in SERVERS[name][0] if not shutil.which(program, path=SEARCH_PATH)]
    if name == "apache" and not any(map(os.path.isdir, APACHE_MODULES)):
        absent.append("folder of Apache's modules")
    return absent


@contextlib.contextmanager
def serving(name: str, place: Place):
    """Run a server for the length of a block; yields its name with its version."""
    try:
        title = SERVERS[name][1](place)
        wait_for(place)
        yield title
    finally:
        place.stop()
