# SPDX-License-Identifier: Apache-2.0
"""
Run one program over and over, and print the number of runs, the seconds and the processor time.

usage: alone.py SECONDS INPUT PROGRAM [ARGUMENTS]

No server can do the work with less: the program's input is a file, its output goes nowhere, and it gets this
environment. It stops when the program fails.
"""

import os
import resource
import sys
import time

MOST = 1_000_000


def main() -> None:
    """Read the arguments, run, print."""
    seconds, source, *command = sys.argv[1:]
    actions = [(os.POSIX_SPAWN_OPEN, 0, source, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    count = 0
    begin = time.perf_counter()
    while (took := time.perf_counter() - begin) < float(seconds) and count < MOST:
        child = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        _, status = os.waitpid(child, 0)
        if status != 0:
            sys.exit(f"alone: {command[0]} ended with wait status {status}")
        count += 1
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(count, took, used.ru_utime + used.ru_stime)


if __name__ == "__main__":
    main()
