"""A lake: Parquet files in a folder, and a manifest that says which of them count."""

from algo_trade.storage.lake.layout import Part, Partition
from algo_trade.storage.lake.manifest import Version
from algo_trade.storage.lake.select import LakeSelection
from algo_trade.storage.lake.storage import ParquetStorage

__all__ = ["LakeSelection", "ParquetStorage", "Part", "Partition", "Version"]
