# SPDX-License-Identifier: Apache-2.0
"""
Starts git-gate and general web servers in front of the same git-http-backend, and git daemon.

Each peer serves one repository to one user, as `git help http-backend` and its own documentation say. Limits on bodies
are off, and limits on heads are above the gate's. All other settings keep their defaults, unless the place is `fast`:
then each peer has the settings with the best figures here.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from places import ENVIRONMENT, SEARCH_PATH, START_SECONDS, Place, exec_path, free_port, output, version
from program import lines

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATE = os.environ.get("GIT_GATE", str(ROOT / "build" / "git-gate"))
# The machine's own configuration must not matter; the gate gives git the same settings.
CONFIGURATION = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
CGI_ENVIRONMENT = {"GIT_HTTP_EXPORT_ALL": "1", **CONFIGURATION}
APACHE_MODULES = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules")
APACHE_USER = "www-data"  # Apache does not serve as root, even if root starts it
PROCESSES = 16  # the gate's --max-backends

# The fastest settings found for the peers, for bench/run. All keep connections as long as the gate does, and log no
# refusals, like the gate with --log-level=error. nginx has as many workers as there are cores, as in its package's own
# file. Other numbers of processes made no difference on two cores.
#
# nginx writes a large answer to a file when its buffers are full, unless that is forbidden; larger buffers gain a
# little more than no buffers. It passes requests on to git as they arrive. It need not look for files that do not
# exist.
NGINX_FAST = """
  keepalive_requests 1000000000;
  fastcgi_buffer_size 64k;
  fastcgi_buffers 16 64k;
  fastcgi_max_temp_file_size 0;
  fastcgi_request_buffering off;
"""
# lighttpd holds an answer back until it is whole, unless told to stream it. It must not stream requests: then it
# refuses chunked ones (411), and git sends pushes larger than 1 MiB in chunks. 65535 is its largest count.
LIGHTTPD_FAST = """
server.stream-response-body = 1
server.max-keep-alive-requests = 65535
"""
# With the default of 100 requests Apache spends its time on new connections.
APACHE_FAST = """
MaxKeepAliveRequests 0
LogLevel crit
"""


def backend() -> str:
    """Return the path of git-http-backend."""
    return exec_path() + "/git-http-backend"


def passwords(place: Place) -> pathlib.Path:
    """Make the file with the one user, whose password is empty, as in the data files."""
    return place.write("htpasswd", f"{place.token}:{output('openssl', 'passwd', '-apr1', '')}\n")


def start_gate(place: Place, *options: str) -> None:
    """Start git-gate."""
    transport = f"--socket={place.socket}" if place.socket else "--listen=127.0.0.1:0"
    process = place.start(GATE, "serve", f"--mirror-root={place.root}", "--scope=repo", transport, "--log-level=error",
                          *options, stdout=subprocess.PIPE, env={**ENVIRONMENT, "GIT_GATE_TOKEN": place.token})
    line = next(lines(process, START_SECONDS), "")
    if not line.startswith("listening "):
        raise place.failure()
    if not place.socket:
        place.port = int(line.rsplit(":", 1)[1])


def gate_title() -> str:
    """Return git-gate's name and version."""
    return "git-gate " + version(r"([0-9][0-9.]*)", GATE, "--version")


def start_nginx(place: Place) -> None:
    """Start nginx with fcgiwrap."""
    place.port = free_port()
    socket_path = place.folder / "fcgiwrap.sock"
    socket_path.unlink(missing_ok=True)  # of an earlier start in this place
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
daemon off; {user} worker_processes auto; pid {place.folder}/nginx.pid;
error_log {place.folder}/nginx.log {"crit" if place.fast else "error"};
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_max_body_size 0;
  large_client_header_buffers 8 32k;
{temporary}
{NGINX_FAST if place.fast else ""}
  server {{
    listen 127.0.0.1:{place.port};
    {"location / { return 404; }" if place.fast else ""}
    location /repo.git/ {{
      auth_basic git;
      auth_basic_user_file {passwords(place)};
{parameters}
      fastcgi_pass unix:{socket_path};
    }}
  }}
}}
""")
    place.start("fcgiwrap", "-s", f"unix:{socket_path}", "-c", PROCESSES)
    place.start("nginx", "-e", place.folder / "nginx.log", "-c", configuration)


def nginx_title() -> str:
    """Return the names and versions of nginx and fcgiwrap."""
    return (f"nginx {version(r'nginx/([0-9.]+)', 'nginx', '-v')} "
            f"with fcgiwrap {version(r'version ([0-9.]+)', 'fcgiwrap', '-h')}")


def start_lighttpd(place: Place) -> None:
    """Start lighttpd with mod_cgi."""
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
{LIGHTTPD_FAST if place.fast else ""}
# The benches speak HTTP/1, and the other servers do not speak HTTP/2 unless told to.
server.feature-flags = ("server.h2proto" => "disable")
$HTTP["url"] =~ "^/repo\\.git/" {{
  alias.url = ("/" => "{backend()}/")
  auth.require = ("" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
  setenv.set-environment = ({cgi})
  cgi.assign = ("" => "")
}}
""")
    (place.folder / "empty").mkdir(exist_ok=True)
    place.start("lighttpd", "-D", "-f", configuration)


def lighttpd_title() -> str:
    """Return lighttpd's name and version."""
    return "lighttpd " + version(r"lighttpd/([0-9.]+)", "lighttpd", "-v")


def start_apache(place: Place) -> None:
    """Start Apache with mod_cgid and mod_auth_basic."""
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
{APACHE_FAST if place.fast else ""}
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


def apache_title() -> str:
    """Return Apache's name and version."""
    return "Apache " + version(r"Apache/([0-9.]+)", apache_program(), "-v")


def start_daemon(place: Place) -> None:
    """Start git daemon, which speaks git:// and authenticates nobody."""
    place.port = free_port()
    place.start(daemon_program(), "--listen=127.0.0.1", f"--port={place.port}", "--reuseaddr",
                "--export-all", "--enable=receive-pack", f"--base-path={place.root}", place.root,
                env={**ENVIRONMENT, **CGI_ENVIRONMENT, "GIT_PROJECT_ROOT": str(place.root)})  # marks its processes


def daemon_title() -> str:
    """Return git daemon's name with git's version, as it cannot be asked for its own."""
    return "git daemon " + version(r"([0-9][0-9.]*)", "git", "--version")


def daemon_program() -> str:
    """Return the path of the program behind `git daemon`, as a server's family must not contain git's wrapper."""
    return exec_path() + "/git-daemon"


def apache_program() -> str:
    """Return the name of Apache's program here."""
    return "apache2" if shutil.which("apache2", path=SEARCH_PATH) else "httpd"


@dataclass(frozen=True)
class Server:
    """needs: the programs that must exist; start: starts it in a place; title: returns its name and version."""
    needs: tuple[str, ...]
    start: Callable
    title: Callable[[], str]


# By their short names.
SERVERS = {
    "gate": Server((GATE,), start_gate, gate_title),
    "nginx": Server(("nginx", "fcgiwrap", "openssl"), start_nginx, nginx_title),
    "lighttpd": Server(("lighttpd", "openssl"), start_lighttpd, lighttpd_title),
    "apache": Server((apache_program(), "openssl"), start_apache, apache_title),
    "daemon": Server((daemon_program(),), start_daemon, daemon_title),
}
WEB = ("nginx", "lighttpd", "apache")  # those that serve git by HTTP


def missing(name: str) -> list[str]:
    """Return the missing programs of a server."""
    absent = [program for program in SERVERS[name].needs if not shutil.which(program, path=SEARCH_PATH)]
    if name == "apache" and not any(map(os.path.isdir, APACHE_MODULES)):
        absent.append("folder of Apache's modules")
    return absent


@contextlib.contextmanager
def serving(name: str, place: Place):
    """Run a server for the length of a block; yields its name with its version."""
    try:
        SERVERS[name].start(place)
        place.wait()
        yield SERVERS[name].title()
    finally:
        place.stop()
