"""Historical data in: bars of files and tables, ticks of recordings, checked, summed up, and ready to run on."""

from algo_trade.data.imports import import_data, synthetic_ticks
from algo_trade.data.provider import HistoricalDataProvider, Stamp, VolumeUnit
from algo_trade.data.samples import synthetic_bars, write_csv
from algo_trade.data.summary import DataSummary, DayPrint, Gap, SymbolSummary

__all__ = [
    "DataSummary",
    "DayPrint",
    "Gap",
    "HistoricalDataProvider",
    "Stamp",
    "SymbolSummary",
    "VolumeUnit",
    "import_data",
    "synthetic_bars",
    "synthetic_ticks",
    "write_csv",
]
