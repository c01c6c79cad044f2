"""Messages from a process that is not trusted."""

from __future__ import annotations

import os
import socket
import struct
import threading

import pytest

from algo_trade.bots.channel import Channel, ChannelError


def ends() -> tuple[Channel, socket.socket]:
    ours, theirs = socket.socketpair()
    return Channel(ours, longest=1_000_000), theirs


def test_a_message_comes_whole_in_however_many_pieces_it_comes() -> None:
    ours, theirs = ends()
    message = os.urandom(700_000)

    def write() -> None:
        framed = struct.pack("<I", len(message)) + message
        for start in range(0, len(framed), 9_001):
            theirs.sendall(framed[start : start + 9_001])

    with theirs:
        writer = threading.Thread(target=write)
        writer.start()
        assert ours.receive(10) == message
        writer.join()
        theirs.sendall(struct.pack("<I", 0))
        assert ours.receive(10) == b""
    ours.close()


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (struct.pack("<I", 1_000_001), "a message of 1,000,001 bytes: it may have 1,000,000"),
        (struct.pack("<I", 0xFFFFFFFF) + b"x", "it may have"),
        (struct.pack("<I", 1) + b"ab", "a message that nobody asked for"),
    ],
)
def test_what_is_no_message_is_not_read(sent: bytes, text: str) -> None:
    ours, theirs = ends()
    with theirs:
        theirs.sendall(sent)
        with pytest.raises(ChannelError, match=text):
            ours.receive(10)
    ours.close()


def test_who_says_nothing_or_half_of_it_is_late_and_who_hangs_up_is_gone() -> None:
    ours, theirs = ends()
    with theirs:
        with pytest.raises(TimeoutError):
            ours.receive(0.01)
        theirs.sendall(struct.pack("<I", 10) + b"half")
        with pytest.raises(TimeoutError):
            ours.receive(0.01)
        with pytest.raises(TimeoutError):
            ours.send(bytes(10_000_000), 0.01)
    with pytest.raises((EOFError, ConnectionError)):
        ours.receive(1)
    ours.close()


def test_who_sends_a_byte_now_and_then_is_late_all_the_same() -> None:
    ours, theirs = ends()
    goes_on = threading.Event()

    def trickle() -> None:
        theirs.sendall(struct.pack("<I", 1_000))
        while not goes_on.wait(0.02):
            theirs.sendall(b"x")

    with theirs:
        writer = threading.Thread(target=trickle)
        writer.start()
        with pytest.raises(TimeoutError):
            ours.receive(0.2)
        goes_on.set()
        writer.join()
    ours.close()
