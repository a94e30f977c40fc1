"""An end to what answers no signal: a loop in C, or one that catches everything."""

import faulthandler
import math
import sys
from time import monotonic

_PACE = 1.0  # seconds: to set it takes 0.1 ms, which is more than most calls do


class Watchdog:
    """Ends this process, with a traceback on stderr, if it is not called in time."""

    def __init__(self, seconds: float = math.inf) -> None:
        """Watch, from the first call of `beat` on.

        Args:
            seconds: How long the process may be busy between two calls, or up to a
                second longer.
        """
        self._seconds, self._last = seconds, -math.inf

    def beat(self) -> None:
        """Tell that all is well so far."""
        if self._seconds < math.inf and monotonic() - self._last >= _PACE:
            self._last = monotonic()
            faulthandler.dump_traceback_later(
                self._seconds + _PACE, exit=True, file=sys.__stderr__ or sys.stderr
            )

    def rest(self) -> None:
        """Stop to watch until the next call of `beat`."""
        if self._seconds < math.inf:
            self._last = -math.inf
            faulthandler.cancel_dump_traceback_later()
