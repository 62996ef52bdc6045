# SPDX-License-Identifier: Apache-2.0
"""In which order contenders have their turns."""

import random


def in_turn(items: list, number: int, seed: str) -> list:
    """
    Return them in the order of a round, which depends on nothing but its number and the seed.

    It is a row of a Williams square: in as many rounds as there are items, each stands in every place once, and behind
    every other once, or, where their number is odd, twice in twice as many. So nobody gains by who was before, and a run
    that ends earlier has none in the same place twice. The seed says who begins, which is another one for each workload.
    """
    count = len(items)
    shuffled = random.Random(seed).sample(items, count)
    places = [(place + 1) // 2 if place % 2 else -(place // 2) for place in range(count)]  # 0, 1, -1, 2, -2, ...
    order = [shuffled[(number + place) % count] for place in places]
    return order[::-1] if count % 2 and number // count % 2 else order
