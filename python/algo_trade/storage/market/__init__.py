"""Rows of markets in PostgreSQL: tables made of the kinds, with COPY from and to Arrow."""

from algo_trade.storage.market.tables import TABLES, Table

__all__ = ["TABLES", "Table"]
