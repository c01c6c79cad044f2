"""A WebSocket as the shell needs it, and the one that picows gives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

# The largest known message, the contexts of all perpetuals, has 180 kB.
MESSAGE_BYTES_MAX = 16 << 20


class Transport(Protocol):
    """An open WebSocket."""

    def send(self, message: bytes) -> None:
        """Send a text message; do nothing once it is closed."""
        ...

    def close(self) -> None:
        """Close it at once, whether or not the other side listens."""
        ...

    async def wait_closed(self) -> str:
        """Wait until it is closed, by either side; return why."""
        ...


if TYPE_CHECKING:
    Connect: TypeAlias = Callable[[str, Callable[[bytes], None]], Awaitable[Transport]]
    """Opens a WebSocket to an address; every message goes to the function, in order, before anything else happens."""


async def connect_picows(url: str, received: Callable[[bytes], None]) -> Transport:
    """Open a WebSocket with picows; TLS is verified as the platform does.

    Raises
    ------
    OSError
        When no connection can be made.
    """
    import picows  # noqa: PLC0415 -- of the extra `live`

    class Listener(picows.WSListener):
        def __init__(self) -> None:
            self.parts = bytearray()
            self.reason = "closed"
            self.is_wanted = True
            self.transport: picows.WSTransport | None = None

        def on_ws_connected(self, transport: picows.WSTransport) -> None:
            self.transport = transport
            if not self.is_wanted:
                transport.disconnect(False)  # noqa: FBT003 -- picows has it so

        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            kind = frame.msg_type
            if kind == picows.WSMsgType.TEXT or kind == picows.WSMsgType.BINARY:  # noqa: PLR1714 -- compared in C
                if frame.fin:
                    received(frame.get_payload_as_bytes())
                else:
                    self.parts[:] = frame.get_payload_as_bytes()
            elif kind == picows.WSMsgType.CONTINUATION:
                self.parts += frame.get_payload_as_bytes()
                if len(self.parts) > MESSAGE_BYTES_MAX:
                    self.reason = f"a message of more than {MESSAGE_BYTES_MAX} bytes"
                    transport.disconnect(False)  # noqa: FBT003 -- picows has it so
                elif frame.fin:
                    whole = bytes(self.parts)
                    self.parts.clear()
                    received(whole)
            elif kind == picows.WSMsgType.CLOSE:
                reason = frame.get_close_message()
                text = bytes(reason).decode(errors="replace") if reason else ""
                self.reason = f"closed by the exchange: {frame.get_close_code()} {text}".strip()
                transport.disconnect()

    class Picows:
        def __init__(self, transport: picows.WSTransport, listener: Listener) -> None:
            self._transport = transport
            self._listener = listener

        def send(self, message: bytes) -> None:
            self._transport.send(picows.WSMsgType.TEXT, message)

        def close(self) -> None:
            # A graceful end would wait for a peer that may be frozen.
            self._transport.disconnect(False)  # noqa: FBT003 -- picows has it so

        async def wait_closed(self) -> str:
            try:
                await self._transport.wait_disconnected()
            except picows.WSError as error:
                return str(error)
            return self._listener.reason

    listener = Listener()
    try:
        transport, _ = await picows.ws_connect(lambda: listener, url, max_frame_size=MESSAGE_BYTES_MAX)
    except (TimeoutError, picows.WSError) as error:
        raise OSError(f"{url}: {error}") from error
    except asyncio.CancelledError:
        # A handshake under way goes on without its caller, until it succeeds or times out; it may just have succeeded.
        listener.is_wanted = False
        if listener.transport is not None:
            listener.transport.disconnect(False)  # noqa: FBT003 -- picows has it so
        raise
    return Picows(transport, listener)
