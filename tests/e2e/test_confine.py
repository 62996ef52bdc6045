# SPDX-License-Identifier: Apache-2.0
"""
A hook under --confine=require can do what it needs, and nothing beyond its repository.

A program in C tries some 130 things from a pre-receive hook, each harmless even if it succeeds. Under --confine=off a hook
can do everything that an ordinary process can do on this machine, so a denial means something.
"""

import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from .checks import check_serves
from .confinement import build_probe, is_x86_64, landlock_abi, needs_confinement, outcomes
from .http import TOKEN
from .polling import wait_until
from .repos import bare, commit, git, history, out, refs

pytestmark = needs_confinement

DENIED_MIN = 40

# Each denial and its source. Landlock says EACCES, the filter of system calls EPERM.
BY_LANDLOCK = """
    read_shadow read_hostname read_neighbour read_home list_home list_root list_tmp list_socket_folder read_token
    read_gate_environ read_gate_mem write_gate_mem list_gate_descriptors read_victim_environ read_own_environ
    open_terminal create_outside create_neighbour create_tmp create_var_tmp create_shm create_hook create_exec
    make_folder overwrite append create_over unlink_outside unlink_beside_socket remove_folder make_symlink execute_copy
""".split()
BY_LANDLOCK_MOVES = "rename_out rename_in link_in link_out".split()
BY_FILTER = """
    truncate make_fifo make_socket make_device leave_device change_owner set_file_attributes
    set_user_id make_with_user_id empty_by_reading hold_hook set_flags leave_group leave_session
    watch_home name_handle open_handle
    socket_unix_stream socket_unix_datagram socket_abstract socket_tcp socket_udp socket_tcp6 socket_raw socket_netlink
    socket_packet socket_vsock socket_alg socket_pair
    trace_victim read_victim take_descriptor advise_victim limit_victim compare_victim set_priority set_affinity
    set_scheduler set_io_priority
    unshare_user unshare_mount unshare_uts unshare_ipc unshare_network unshare_pid unshare_cgroup unshare_time
    clone_user enter_namespace mount unmount copy_mount open_file_system list_mounts change_root pivot_root
    find_keyring add_key request_key bpf open_counter set_up_ring handle_faults watch_files share_memory make_queue
    make_semaphore open_posix_queue
    load_module load_kernel reboot read_log swap_on account set_host_name set_domain_name
    set_time_of_day set_clock adjust_time adjust_clock type_into_terminal type_with_high_bits paste_into_console
    call_x32 call_i386
""".split()
BY_FILTER_AS_ABSENT = "set_attribute set_attribute_at".split()
BY_PRIVILEGES = "change_user change_groups raise_capabilities".split()
BY_SCOPE = """
    gate_exists continue_gate continue_gate_thread victim_exists continue_victim continue_victim_by_pidfd
""".split()
SCOPE_ABI = 6

EXPECTED = {
    **dict.fromkeys(BY_LANDLOCK, {"EACCES"}),
    **dict.fromkeys(BY_LANDLOCK_MOVES, {"EACCES", "EXDEV"}),
    **dict.fromkeys(BY_FILTER + BY_PRIVILEGES, {"EPERM"}),
    **dict.fromkeys(BY_SCOPE, {"EPERM"}),
    "clone3_user": {"ENOSYS"},  # otherwise libc would not go on with clone(2)
    **dict.fromkeys(BY_FILTER_AS_ABSENT, {"ENOTSUP"}),
    # A kernel without such programs answers with SIGSEGV; a confinement around the tests, with SIGSYS.
    "call_i386": {"EPERM", f"-{signal.SIGSEGV:d}", f"-{signal.SIGSYS:d}"},
    "call_x32": {"EPERM", f"-{signal.SIGSYS:d}"},
}
# Only its receiver sees whether it succeeded.
UNSEEN = {"owe_signal_to_victim"}
# These stay possible, as git needs the calls and Landlock covers neither: a hook can change the mode and times of its
# user's files by path, and run programs that lie in no folder.
KNOWN = {"change_mode", "change_times", "execute_memory"}
OTHER_MACHINE = set() if is_x86_64() else {"call_x32", "call_i386"}
# Not every machine has these. The test cannot tell a denial from a missing thing.
PATHS = {"read_shadow": "/etc/shadow", "read_hostname": "/etc/hostname", "create_shm": "/dev/shm",
         "create_var_tmp": "/var/tmp", "open_terminal": "/dev/ptmx"}

# Any user may do this to its own objects, on nearly any machine. The probe asks for something that does not exist: a
# number is the error that follows the permission check.
ORDINARY = {
    **dict.fromkeys("""
        read_hostname read_neighbour read_home list_home list_root list_tmp list_socket_folder read_token
        read_victim_environ read_own_environ watch_home list_gate_descriptors
        create_outside create_neighbour create_tmp create_var_tmp create_hook create_exec make_folder overwrite append
        truncate create_over unlink_outside unlink_beside_socket remove_folder rename_out rename_in link_in link_out
        make_symlink make_fifo make_socket change_owner execute_copy
        set_user_id make_with_user_id empty_by_reading hold_hook leave_group leave_session
        socket_unix_stream socket_unix_datagram socket_abstract socket_tcp socket_udp socket_netlink socket_pair
        gate_exists continue_gate continue_gate_thread victim_exists continue_victim continue_victim_by_pidfd
        limit_victim set_priority set_affinity set_scheduler set_io_priority
        share_memory make_queue make_semaphore adjust_time adjust_clock
    """.split(), ""),
    **dict.fromkeys("type_into_terminal paste_into_console".split(), "ENOTTY"),
    "set_clock": "EINVAL",
}


@pytest.fixture(scope="session")
def probe(tmp_path_factory):
    program = tmp_path_factory.mktemp("probe") / "probe"
    build_probe(program)
    return program


@pytest.fixture
def victim(tmp_path):
    """Another process of the same user, with no more privileges than a hook; it records a SIGUSR1."""
    text = f"""
import ctypes, signal
assert ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522), (ctypes.c_uint32 * 6)()) == 0
signal.signal(signal.SIGUSR1, lambda *_: open({str(tmp_path / 'signalled')!r}, "w").close())
print("ready", flush=True)
while True:
    signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


class Field:
    """A gate with a hook, and everything around it."""

    def __init__(self, folder, probe, start_gate, victim, *options, **named):
        self.folder = folder
        for name in ("outside", "outside/empty-folder", "hooks", "mirrors", "exec", "run"):
            (folder / name).mkdir()
        (folder / "outside" / "file").write_text("secret\n")
        (folder / "outside" / "empty").touch()
        (folder / "token").write_text(f"{TOKEN}\n")
        self.hook = folder / "hooks" / "pre-receive"
        (folder / "hooks" / "probe").write_bytes(probe.read_bytes())
        (folder / "hooks" / "probe").chmod(0o755)
        self.repo = bare(folder / "mirrors" / "repo.git")
        history(self.repo, 1)
        history(bare(folder / "mirrors" / "other.git"), 1)
        self.victim = victim
        self.signalled = folder / "signalled"
        self.gate = start_gate(f"--mirror-root={folder}/mirrors", "--scope=repo", f"--hooks-path={folder}/hooks",
                               f"--token-file={folder}/token", *options, token=None, **named)
        self.work = folder / "work"
        git("clone", "--quiet", self.gate.url(), self.work)

    def push(self, text, ok=True):
        """Push a commit, with a hook of this text."""
        self.hook.write_text(f"#!/bin/sh\n{text}\n")
        self.hook.chmod(0o755)
        commit(self.work, "file", text)
        return git("push", "--quiet", "origin", "main", cwd=self.work, ok=ok).stderr

    def arguments(self):
        """The lines of the probe program."""
        paths = {"outside": "outside", "neighbour": "mirrors/other.git", "hooks": "hooks", "exec": "exec",
                 "token_file": "token"}
        given = [f"{name}={self.folder / path}" for name, path in paths.items()]
        return given + [f"socket_folder={self.decoy.parent}", f"gate={self.gate.pid}", f"victim={self.victim.pid}"]

    @property
    def decoy(self):
        return (self.gate.socket_path.parent if self.gate.socket_path else self.folder / "run") / "decoy"

    def probe(self):
        """The result of each attempt of a hook."""
        self.decoy.touch()
        self.push(f"exec '{self.folder}/hooks/probe' {' '.join(self.arguments())} >probe.out")
        self.decoy.unlink()
        return outcomes((self.repo / "probe.out").read_text())

    def probe_directly(self):
        """The result of each attempt of an ordinary process, of the same user and in the same folder."""
        self.decoy.touch()
        with (self.folder / "direct.out").open("w+") as file:
            subprocess.run([self.folder / "hooks" / "probe", *self.arguments()], cwd=self.repo, stdout=file,
                           stdin=subprocess.DEVNULL, check=True)
            file.seek(0)
            found = outcomes(file.read())
        self.decoy.unlink()
        if found["owe_signal_to_victim"] == ("done", ""):
            wait_until("the signal", self.signalled.exists)
            self.signalled.unlink()
        return found


@pytest.fixture
def field(tmp_path, probe, start_gate, victim):
    def make(*options, **named):
        return Field(tmp_path, probe, start_gate, victim, *options, **named)
    return make


def wrong(found, name):
    word, number = found[name]
    return number not in EXPECTED[name] or (word != "denied" and number not in ("ENOSYS", "ENOTSUP"))


def check_no_harm(place):
    check_serves(place.gate)
    assert place.victim.poll() is None
    assert (place.folder / "outside" / "file").read_text() == "secret\n"


def test_a_confined_hook_is_denied_all_of_it(field, transport):
    """This includes denials of the machine itself: a hook may do none of it even where others may."""
    place = field("--confine=require", transport=transport)
    found = place.probe()
    assert found.keys() == EXPECTED.keys() | UNSEEN | KNOWN
    not_expected = OTHER_MACHINE | set(BY_SCOPE if landlock_abi() < SCOPE_ABI else [])
    not_expected |= {name for name, path in PATHS.items() if not Path(path).exists()}
    assert {name: found[name] for name in EXPECTED.keys() - not_expected if wrong(found, name)} == {}
    assert sum(word == "denied" for word, _ in found.values()) >= DENIED_MIN
    assert landlock_abi() < SCOPE_ABI or not place.signalled.exists()
    check_no_harm(place)


def test_without_confinement_a_hook_can_what_an_ordinary_process_can(field, transport):
    place = field("--confine=off", transport=transport)
    directly = place.probe_directly()
    found = place.probe()
    possible = {name: outcome for name, outcome in directly.items() if outcome[0] == "done"}
    assert {name: (found[name], outcome) for name, outcome in possible.items() if found[name] != outcome} == {}
    if "owe_signal_to_victim" in possible:
        wait_until("the signal", place.signalled.exists)
    check_no_harm(place)
    refused = sorted(name for name, number in ORDINARY.items() if directly[name] != ("done", number))
    if len(refused) > len(ORDINARY) / 2:
        pytest.skip(f"this machine itself refuses {len(refused)} of {len(ORDINARY)} things that a process may do")
    if refused:
        warnings.warn(f"this machine itself refuses what a process may do elsewhere: {' '.join(refused)}")


def test_a_hook_cannot_remove_the_socket(field):
    place = field("--confine=require", transport="unix")
    complaint = place.push(f"rm -f '{place.gate.socket_path}' && echo removed; exit 0")
    assert "Permission denied" in complaint and "removed" not in complaint.splitlines()
    assert place.gate.socket_path.exists()
    check_serves(place.gate)


def test_a_hook_has_what_it_needs(field, transport):
    """Programs, processes, threads, pipes, devices, git, and the repository, where a hook reads, writes and removes."""
    place = field("--confine=require", transport=transport)
    complaint = place.push(f"""
set -eu
'{place.folder}/hooks/probe' needs
test "$(git rev-parse HEAD)" = {out("rev-parse", "main", cwd=place.repo)}
while read -r old new name; do
    git cat-file -e "$new" && env -u GIT_QUARANTINE_PATH git update-ref refs/kept/"${{name##*/}}" "$old"
done
git config probe.name value
mkdir folder && echo text >folder/a && mv folder/a b && test "$(cat b | tr a-z A-Z)" = TEXT && cp b c && chmod 600 c
rm b c && rmdir folder
head -c 8 /dev/urandom | wc -c >/dev/null
echo "all of it"
""")
    assert "all of it" in complaint
    assert "refs/kept/main" in refs(place.repo)
    assert out("config", "probe.name", cwd=place.repo) == "value"
