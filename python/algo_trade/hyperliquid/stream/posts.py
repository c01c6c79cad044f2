"""Questions and actions over the socket: each is answered, refused, never sent, or of unknown outcome; none waits for ever."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from algo_trade.hyperliquid.stream.events import PostResult
from algo_trade.hyperliquid.stream.settings import in_ns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from algo_trade.hyperliquid.stream.connection import Connection
    from algo_trade.hyperliquid.stream.context import SessionContext


class Post:
    """A post under way."""

    __slots__ = ("_posts", "is_action", "message", "request", "socket")

    def __init__(self, posts: Posts, request: int, message: bytes, *, is_action: bool) -> None:
        self._posts = posts
        self.request = request
        self.message = message
        self.is_action = is_action
        self.socket: int | None = None

    def expire(self, _now_ns: int) -> None:
        """Give it up: no answer came in time."""
        self._posts.give_up(self)


class Posts:
    """All posts of a session. Each has a number, which its answer bears."""

    __slots__ = ("_context", "_flying", "_numbers", "_waiting")

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._numbers = 0
        self._waiting: deque[Post] = deque()
        self._flying: dict[int, Post] = {}

    def post(self, payload: bytes, now_ns: int, *, is_action: bool) -> int:
        """Take a request, to be sent when there is a connection and room; return its number."""
        self._numbers += 1
        kind = b"action" if is_action else b"info"
        message = b'{"method":"post","id":%d,"request":{"type":"%s","payload":%s}}' % (self._numbers, kind, payload)
        post = Post(self, self._numbers, message, is_action=is_action)
        self._waiting.append(post)
        self._context.timers.set(post.expire, now_ns + in_ns(self._context.settings.post_within_s))
        return post.request

    def flush(self, connections: Iterable[Connection], now_ns: int) -> None:
        """Send what there is room for."""
        if not self._waiting:
            return
        connection = next((each for each in connections if each.is_open), None)
        while connection is not None and self._waiting and len(self._flying) < self._context.settings.posts_max:
            post = self._waiting.popleft()
            post.socket = connection.socket
            self._flying[post.request] = post
            connection.send_urgent(post.message, now_ns)

    def answered(self, data: dict[str, Any]) -> bool:
        """Take an answer; return False if nobody waits for it any more."""
        post = self._flying.pop(data["id"], None)
        if post is None:
            return False
        if "error" in data:
            self._settle(PostResult(post.request, post.is_action, "refused", data["error"]), post)
        else:
            answer = data.get("action", data.get("answer", data.get("unknown")))
            self._settle(PostResult(post.request, post.is_action, "answered", answer), post)
        return True

    def refused(self, request: int, text: str) -> bool:
        """Take note that the exchange did not take a post up."""
        post = self._flying.pop(request, None)
        if post is not None:
            self._settle(PostResult(request, post.is_action, "refused", text), post)
        return post is not None

    def lost(self, socket: int) -> None:
        """Give up all that was sent on a socket that is gone."""
        for post in [post for post in self._flying.values() if post.socket == socket]:
            self.give_up(post)

    def give_up(self, post: Post) -> None:
        """Say what is known of a post without an answer."""
        if self._flying.pop(post.request, None) is None:
            self._waiting.remove(post)
            self._settle(PostResult(post.request, post.is_action, "not sent"), post)
        else:
            self._settle(PostResult(post.request, post.is_action, "unknown"), post)

    def _settle(self, result: PostResult, post: Post) -> None:
        self._context.timers.cancel(post.expire)
        self._context.actions.append(result)
