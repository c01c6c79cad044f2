"""The garbage collector, kept from halting a runner."""

from __future__ import annotations

import gc


def settle() -> None:
    """Collect what is garbage, and have the collector never look again at what is left.

    What a runner has by the time its bots trade lives as long as they do. A full collection passes over all of it, which halts the
    loop for a tenth of a second with three hundred bots; afterwards it has only what came since to look at.
    """
    gc.collect()
    gc.freeze()
