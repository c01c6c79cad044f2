"""Messages between a bot and the process in which its strategy lives: whole, of limited length, until a deadline."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

_LENGTH: Final = struct.Struct("<I")
_PIECE: Final = 1 << 18
MESSAGE_MAX: Final = 64 << 20
"""As long as what a journal takes."""


class ChannelError(Exception):
    """What came is no message."""


class Channel:
    """One end of a socket. Each message is answered before the next one is sent.

    Parameters
    ----------
    end : the socket, which is closed with it
    longest : what comes in may not be longer
    """

    def __init__(self, end: socket.socket, *, longest: int = MESSAGE_MAX) -> None:
        self._socket = end
        self._longest = longest

    def send(self, message: bytes, within_s: float | None = None) -> None:
        """Send a message.

        Raises
        ------
        TimeoutError
            The other end does not read it in time.
        OSError
            It is gone.
        """
        self._socket.settimeout(within_s)
        self._socket.sendall(_LENGTH.pack(len(message)) + message)

    def receive(self, within_s: float | None = None) -> bytes:
        """Wait for a message.

        Raises
        ------
        TimeoutError
            It is not whole in time.
        EOFError
            The other end is gone.
        ChannelError
            It is longer than it may be, or another one follows that nobody asked for.
        """
        until_s = None if within_s is None else time.monotonic() + within_s
        self._socket.settimeout(within_s)
        came = self._socket.recv(_PIECE)
        length = -1
        while came:
            if length < 0 and len(came) >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(came)
                if length > self._longest:
                    raise ChannelError(f"a message of {length:,} bytes: it may have {self._longest:,}")
            missing = _LENGTH.size + length - len(came)
            if length >= 0 and missing <= 0:
                if missing:
                    raise ChannelError("a message that nobody asked for")
                return came[_LENGTH.size :]
            if until_s is not None:
                # Who sends one byte at a time is late, too.
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError
                self._socket.settimeout(left_s)
            piece = self._socket.recv(_PIECE)
            if not piece:
                break
            came += piece
        raise EOFError

    def close(self) -> None:
        """Let the other end know that nothing more comes."""
        self._socket.close()
