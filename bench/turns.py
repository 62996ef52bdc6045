# SPDX-License-Identifier: Apache-2.0
"""Orders the turns of the contenders."""

import random


def in_turn(items: list, number: int, seed: str) -> list:
    """
    Return them in the order of a round, which depends only on its number and the seed.

    It is a row of a Williams square. In as many rounds as there are items, each has every place once and follows every
    other once; for an odd number, twice in twice as many rounds. So no item gains by its predecessor, and in a shorter
    run none has the same place twice. The seed decides which item begins; it differs for each workload.
    """
    count = len(items)
    shuffled = random.Random(seed).sample(items, count)
    places = [(place + 1) // 2 if place % 2 else -(place // 2) for place in range(count)]  # 0, 1, -1, 2, -2, ...
    order = [shuffled[(number + place) % count] for place in places]
    return order[::-1] if count % 2 and number // count % 2 else order
