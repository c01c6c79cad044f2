"""The local venue over real sockets: what speaks HTTP and WebSocket around the machine of the compiled core.

Only this package imports Starlette and uvicorn, which come with ``algo-trade[server]``.
"""
