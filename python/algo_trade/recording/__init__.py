"""Markets written down: what the exchange says as it says it, and what it still knows of the past.

:class:`Recorder` subscribes to markets and writes what it hears into a :class:`Sink`; :class:`Downloader` asks for bars, funding rates
and the present prices. What could not be heard is written down, too: the kind ``gaps``.
"""

from algo_trade.recording.download import Downloader, Fetched
from algo_trade.recording.recorder import Recorder
from algo_trade.recording.recording import Recording, RecordSettings, RecordStatus
from algo_trade.recording.sink import Sink

__all__ = [
    "Downloader",
    "Fetched",
    "RecordSettings",
    "RecordStatus",
    "Recorder",
    "Recording",
    "Sink",
]
