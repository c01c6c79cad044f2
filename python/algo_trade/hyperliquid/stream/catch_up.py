"""Questions about what was missed: a few at a time, asked again until they are answered."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from algo_trade._native import HyperliquidDecoder
from algo_trade.errors import DataError
from algo_trade.hyperliquid.stream.events import CatchUp, Malformed, Plain
from algo_trade.hyperliquid.stream.settings import in_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.hyperliquid.stream.context import SessionContext

MESSAGE_SHOWN_MAX = 2000


class Question:
    """A question that is open. Its answer goes to the owner who asked, with the time of the last asking."""

    __slots__ = ("_questions", "answer", "asked_ns", "attempts", "owner", "request", "text")

    def __init__(
        self, questions: Questions, owner: object, text: dict[str, Any], answer: Callable[[Plain, int, int], None]
    ) -> None:
        self._questions = questions
        self.owner = owner
        self.text = text
        self.answer = answer
        self.request = 0
        self.attempts = 0
        self.asked_ns = 0

    def late(self, now_ns: int) -> None:
        """Ask again: no answer came in time."""
        self._questions.failed(self.request, now_ns)

    def again(self, now_ns: int) -> None:
        """Ask again after a failure."""
        self._questions.enqueue(self, now_ns)


class Questions:
    """All open questions of a session."""

    __slots__ = ("_asked", "_context", "_numbers", "_resting", "_waiting")

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._waiting: deque[Question] = deque()
        self._asked: dict[int, Question] = {}
        self._resting: set[Question] = set()
        self._numbers = 0

    def ask(
        self, owner: object, text: dict[str, Plain], answer: Callable[[Plain, int, int], None], now_ns: int
    ) -> None:
        """Ask until an answer comes, which is called with the answer, the time of asking and the time of answering."""
        self.enqueue(Question(self, owner, text, answer), now_ns)

    def enqueue(self, question: Question, now_ns: int) -> None:
        """Ask when there is room."""
        self._resting.discard(question)
        self._waiting.append(question)
        self._flush(now_ns)

    def forget(self, owner: object) -> None:
        """Want no answer any more to what an owner asked."""
        timers = self._context.timers
        for question in [*self._asked.values(), *self._resting]:
            if question.owner is owner:
                timers.cancel(question.late)
                timers.cancel(question.again)
        self._waiting = deque(question for question in self._waiting if question.owner is not owner)
        self._resting = {question for question in self._resting if question.owner is not owner}
        self._asked = {request: question for request, question in self._asked.items() if question.owner is not owner}

    def answered(self, request: int, body: Plain, now_ns: int) -> None:
        """Take an answer: the body as it came, or what the decoder made of it."""
        question = self._asked.get(request)
        if question is None:
            return
        if isinstance(body, bytes | str):
            try:
                body = HyperliquidDecoder.decode_info(question.text["type"], body)
            except DataError as error:
                shown = body[:MESSAGE_SHOWN_MAX]
                shown = shown.encode() if isinstance(shown, str) else shown
                self._context.mailbox.latest("malformed", Malformed(str(error), shown, now_ns))
                self.failed(request, now_ns)
                return
        del self._asked[request]
        self._context.timers.cancel(question.late)
        question.answer(body, question.asked_ns, now_ns)
        self._flush(now_ns)

    def failed(self, request: int, now_ns: int) -> None:
        """Ask again after a while: no answer can be had now."""
        question = self._asked.pop(request, None)
        if question is None:
            return
        context = self._context
        context.timers.cancel(question.late)
        context.timers.set(question.again, now_ns + context.backoff_ns(question.attempts))
        self._resting.add(question)
        self._flush(now_ns)

    def _flush(self, now_ns: int) -> None:
        context = self._context
        while self._waiting and len(self._asked) < context.settings.catch_ups_max:
            question = self._waiting.popleft()
            self._numbers += 1
            question.request, question.asked_ns = self._numbers, now_ns
            question.attempts += 1
            self._asked[question.request] = question
            context.timers.set(question.late, now_ns + in_ns(context.settings.answer_within_s))
            context.actions.append(CatchUp(question.request, question.text))
