# SPDX-License-Identifier: Apache-2.0
"""The only way to wait in these tests: ask again until the condition holds, and give up at a deadline."""

import time

POLL_SECONDS = 0.01


def wait_until(what, condition, seconds=10.0):
    """Return the first true value of condition(); fail with the name of what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not seen within {seconds} s: {what}"
        time.sleep(POLL_SECONDS)
