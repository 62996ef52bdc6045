# SPDX-License-Identifier: Apache-2.0
"""The one way in which these tests wait: ask again until it is so, and give up at a deadline."""

import time

POLL_SECONDS = 0.01


def wait_until(what, condition, seconds=10.0):
    """Return the first true value of condition(); fail saying what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not seen within {seconds} s: {what}"
        time.sleep(POLL_SECONDS)
