# SPDX-License-Identifier: Apache-2.0
"""Waits until a condition holds, and fails at a deadline. These tests wait in no other way."""

import time

POLL_SECONDS = 0.01


def wait_until(what, condition, seconds=10.0):
    """Return the first true value of condition(). Fail at the deadline, and name the missing event."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not seen within {seconds} s: {what}"
        time.sleep(POLL_SECONDS)
