# SPDX-License-Identifier: Apache-2.0
"""What the programs of bench/ share as programs: how they say something, and how they explain themselves."""

import argparse
import pathlib
import sys


def say(text: str) -> None:
    """Tell whoever watches."""
    print(f"{pathlib.Path(sys.argv[0]).name}: {text}", file=sys.stderr)


def parser(document: str) -> argparse.ArgumentParser:
    """Return a parser whose --help is a program's own docstring: a sentence, the usage, and what else there is to say."""
    sentence, usage, *more = document.strip().split("\n\n")
    return argparse.ArgumentParser(usage=usage.removeprefix("usage: ").replace("%", "%%"),
                                   description="\n\n".join([sentence, *more]),
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
