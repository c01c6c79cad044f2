"""Trades two symbols against each other when the ratio of their prices strays from its mean."""

import math

import algo_trade as at


class Pairs(at.Strategy):
    """Sells the dear and buys the cheap one of two symbols, by the z-score of the logarithm of their ratio.

    The ratio is looked at on a timer, over the middles of both books. Beyond `entry` deviations from its mean the pair is
    opened, within `exit` it is closed; in between it is held. Both legs are sized by the risk manager, so that they are worth
    the same.
    """

    interval_ms = at.param(1_000, low=10, high=3_600_000, help="milliseconds between two looks")
    window = at.param(60, low=10, high=100_000, help="looks in mean and deviation")
    entry = at.param(2.0, low=0.1, high=20.0, help="deviations at which the pair is opened")
    exit = at.param(0.5, low=0.0, high=20.0, help="deviations at which it is closed")

    def on_start(self, ctx):
        if len(ctx.symbols) != 2:
            raise ValueError(f"pairs wants two symbols, and the data hold {len(ctx.symbols)}: choose with symbol=")
        self.first, self.second = ctx.symbols
        self.mean = at.indicators.Sma(self.window)
        self.deviation = at.indicators.Std(self.window)
        self.side = 0
        ctx.set_timer(at.ms(self.interval_ms))

    def on_timer(self, ctx, now_ns):
        middles = [ctx.book(symbol).mid for symbol in (self.first, self.second)]
        if None in middles:
            return None
        ratio = math.log(float(middles[0]) / float(middles[1]))
        self.mean.update(ratio)
        self.deviation.update(ratio)
        if not (self.mean.ready and self.deviation.ready) or self.deviation.value == 0:
            return None
        score = (ratio - self.mean.value) / self.deviation.value
        side = self.side
        if abs(score) >= self.entry:
            side = -1 if score > 0 else 1
        elif abs(score) <= self.exit:
            side = 0
        if side == self.side:
            return None
        self.side = side
        if side == 0:
            return [at.Signal.exit(self.first), at.Signal.exit(self.second)]
        cheap, dear = (self.first, self.second) if side > 0 else (self.second, self.first)
        return [at.Signal.long(cheap), at.Signal.short(dear)]
