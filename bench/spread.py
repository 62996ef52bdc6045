# SPDX-License-Identifier: Apache-2.0
"""
Says how well a median of some rounds is known.

The range of a median lies between two of the values in their order. It holds the median of endlessly many rounds with a
probability of CONFIDENCE or more, whatever the values' distribution: each value falls on either side of that median
like a coin. So the range gets narrower with more rounds, and fewer than LEAST_ROUNDS have none.
"""

import math
import statistics
from typing import Optional

CONFIDENCE = 0.9
LEAST_ROUNDS = 5  # with four, even the least and the most hold the median with 87.5 % alone


def left_out(count: int) -> Optional[int]:
    """Return how many values at each end lie outside of the range of a median; None when there are too few for one."""
    outside, below = None, 0.0
    for cut in range((count + 1) // 2):
        below += math.comb(count, cut) / 2 ** count
        if 2 * below > 1 - CONFIDENCE:
            break
        outside = cut
    return outside


def median_range(values: list[float]) -> Optional[tuple[float, float]]:
    """Return the range of the median, None when there are too few values."""
    outside = left_out(len(values))
    ordered = sorted(values)
    return None if outside is None else (ordered[outside], ordered[-1 - outside])


def spread(values: list[float]) -> Optional[float]:
    """Return half of the range of the median as a part of the median, None when there are too few values."""
    found = median_range(values)
    return None if found is None else (found[1] - found[0]) / 2 / statistics.median(values)
