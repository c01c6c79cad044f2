//! A compiled strategy as a [`Strategy`]. One of the two files with `unsafe` here.

#![expect(unsafe_code, reason = "the border to C; the proofs stand at the blocks")]

use std::ffi::CStr;

use crate::event::{Bar, Quote, TimerEvent, Trade};
use crate::instrument::InstrumentId;
use crate::order::{FillEvent, OrderUpdate};
use crate::strategy::compiled::abi::{
    ABI_VERSION, BarEvent, FillReport, Handle, NEEDS_PYTHON, OrderReport, QuoteEvent, TradeEvent, Vtable,
};
use crate::strategy::compiled::functions::{FUNCTIONS, Host};
use crate::strategy::{Context, Strategy, StrategyError, Wakes};

/// Why a compiled strategy cannot be run, or failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompiledError {
    /// There is no table.
    #[error("the strategy has no table of callbacks")]
    Missing,
    /// It was compiled for other declarations.
    #[error(
        "the strategy was compiled for version {found} of the interface, and this is version {ABI_VERSION}: compile it again"
    )]
    Version {
        /// Its version.
        found: u32,
    },
    /// It runs already, or ran.
    #[error("the strategy has been taken over before: make a new one for each run")]
    Taken,
    /// No callback is set.
    #[error("the strategy wants to be woken by nothing: set at least one callback")]
    Asleep,
    /// A callback returned something else than zero.
    #[error("{callback} returned {code}{}", meaning.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Returned {
        /// Which one.
        callback: &'static str,
        /// What.
        code: i32,
        /// What the strategy says to that.
        meaning: Option<String>,
    },
    /// A function of the engine failed inside a callback.
    #[error("a function called by {callback} failed inside the engine")]
    Inside {
        /// Which one.
        callback: &'static str,
    },
}

/// A strategy behind a [`Vtable`], which it owns: the state is freed with it.
#[derive(Debug)]
pub struct CompiledStrategy {
    vtable: Vtable,
}

// SAFETY: the contract of the header: a strategy may be called from any thread, by one at a time. It is not `Sync` and not
// `Clone`, and every callback takes `&mut self`, so that there is never more than one.
unsafe impl Send for CompiledStrategy {}

impl CompiledStrategy {
    /// Takes a strategy over; what it was taken from is marked so that nobody does it twice.
    ///
    /// # Errors
    /// [`CompiledError`] for a table that cannot be run.
    ///
    /// # Safety
    /// `vtable` is null, or points to a [`Vtable`] that nobody else uses during this call, whose callbacks keep the contract of
    /// `algo_trade.h`: they may be called from any thread, by one at a time; they do not unwind; they use the handle only
    /// during the call that it was given to; and `state` is valid for them until `drop` was called.
    pub unsafe fn take(vtable: *mut Vtable) -> Result<Self, CompiledError> {
        // SAFETY: null or valid, and ours alone for the time of this call; both by the contract of this function.
        let source = unsafe { vtable.as_mut() }.ok_or(CompiledError::Missing)?;
        match source.abi_version {
            ABI_VERSION => {}
            0 => return Err(CompiledError::Taken),
            found => return Err(CompiledError::Version { found }),
        }
        let Vtable { on_start, on_bar, on_trade, on_quote, on_book, on_fill, on_order, on_timer, .. } = *source;
        let market = on_bar.is_some() || on_trade.is_some() || on_quote.is_some() || on_book.is_some();
        if !market && on_start.is_none() && on_fill.is_none() && on_order.is_none() && on_timer.is_none() {
            return Err(CompiledError::Asleep);
        }
        let vtable = *source;
        source.abi_version = 0;
        Ok(Self { vtable })
    }

    /// Whether it has to be called with the lock of Python's interpreter held.
    #[must_use]
    pub const fn needs_python(&self) -> bool {
        self.vtable.flags & NEEDS_PYTHON != 0
    }

    /// Lends the context to a callback, and reads its answer.
    #[inline]
    fn call(
        &self,
        callback: &'static str,
        context: &mut Context<'_>,
        call: impl FnOnce(*mut Handle) -> i32,
    ) -> Result<(), StrategyError> {
        let mut host = Host { context, has_panicked: false };
        let mut handle = Handle { call: &FUNCTIONS, host: (&raw mut host).cast() };
        let code = call(&raw mut handle);
        if host.has_panicked {
            return Err(StrategyError(Box::new(CompiledError::Inside { callback })));
        }
        if code == 0 { Ok(()) } else { Err(self.failed(callback, code)) }
    }

    #[cold]
    fn failed(&self, callback: &'static str, code: i32) -> StrategyError {
        let text = self.vtable.describe.map(|describe| {
            // SAFETY: a callback of the vtable with its own state; see `take`.
            unsafe { describe(self.vtable.state, code) }
        });
        let text = text.filter(|text| !text.is_null());
        let meaning = text.map(|text| {
            // SAFETY: not null; the contract of `describe` is a text that ends in a zero and lives until the next call.
            unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
        });
        StrategyError(Box::new(CompiledError::Returned { callback, code, meaning }))
    }
}

impl Drop for CompiledStrategy {
    fn drop(&mut self) {
        if let Some(drop) = self.vtable.drop {
            // SAFETY: the one call of `drop`, after which nothing uses the state: `take` made this the only owner.
            unsafe { drop(self.vtable.state) };
        }
    }
}

/// Calls a callback, if it is set, with the state, the handle and more.
macro_rules! wake {
    ($self:ident, $ctx:ident, $callback:ident $(, $argument:expr)*) => {
        match $self.vtable.$callback {
            None => Ok(()),
            Some(callback) => $self.call(stringify!($callback), $ctx, |handle| {
                // SAFETY: a callback of the vtable with its own state, a handle that lives until it returns, and pointers to
                // values that do; see `take`.
                unsafe { callback($self.vtable.state, handle $(, $argument)*) }
            }),
        }
    };
}

impl Strategy for CompiledStrategy {
    fn wakes(&self) -> Wakes {
        Wakes {
            trades: self.vtable.on_trade.is_some(),
            quotes: self.vtable.on_quote.is_some(),
            books: self.vtable.on_book.is_some(),
        }
    }
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        wake!(self, ctx, on_start)
    }
    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        wake!(self, ctx, on_bar, &BarEvent::from(bar))
    }
    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) -> Result<(), StrategyError> {
        wake!(self, ctx, on_trade, &TradeEvent::from(trade))
    }
    fn on_quote(&mut self, ctx: &mut Context<'_>, quote: &Quote) -> Result<(), StrategyError> {
        wake!(self, ctx, on_quote, &QuoteEvent::from(quote))
    }
    fn on_book(&mut self, ctx: &mut Context<'_>, instrument: InstrumentId) -> Result<(), StrategyError> {
        wake!(self, ctx, on_book, instrument.0.into())
    }
    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &FillEvent) -> Result<(), StrategyError> {
        wake!(self, ctx, on_fill, &FillReport::from(fill))
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) -> Result<(), StrategyError> {
        wake!(self, ctx, on_order, &OrderReport::from(update))
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        wake!(self, ctx, on_timer, timer.time.raw(), i64::try_from(timer.id).unwrap_or(i64::MAX))
    }
    fn on_stop(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        wake!(self, ctx, on_stop)
    }
}
