"""Hot, warm and cold: one storage over memory, a database and a lake."""

from algo_trade.storage.tiers.storage import Moved, TieredStorage, beside
from algo_trade.storage.tiers.warm import Warm

__all__ = ["Moved", "TieredStorage", "Warm", "beside"]
