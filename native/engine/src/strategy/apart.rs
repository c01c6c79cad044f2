//! A strategy apart from the machine that trades: in another process, which is not trusted.
//!
//! There the same machine runs once more, its [`Twin`], fed with the same events: the strategy sees what it would see here. Both machines
//! wake their strategy in the same order and give the same ids, so all that has to come back is what each wake-up asked for. The machine
//! that trades has in the place of the strategy one that repeats it ([`Told`]), and believes nothing else.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::bars::Rule;
use crate::event::{Bar, Event, Quote, TimerEvent, Trade};
use crate::instrument::InstrumentId;
use crate::journal::{JournalError, Record, encode_event};
use crate::order::{FillEvent, OrderKind, OrderUpdate};
use crate::risk::RiskManager;
use crate::strategy::{Context, Intent, Strategy, StrategyError, Wakes};
use crate::system::{SystemError, TradingSystem};
use crate::world::World;

/// What the other side says makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ApartError {
    /// It is no message of this version.
    #[error("it does not keep to the protocol: {0}")]
    Garbled(#[from] postcard::Error),
    /// A message has something behind its end, or is no event.
    #[error("it does not keep to the protocol: a message that is none")]
    NoMessage,
    /// It was woken another number of times than the machine that trades would have woken it.
    #[error("it does not keep to the protocol: an answer for {0} wake-ups than there were")]
    OtherWakes(&'static str),
    /// What it asks for can not be asked for by a strategy.
    #[error("it does not keep to the protocol: it asks for what no strategy can: {0}")]
    Impossible(String),
    /// An event cannot be told.
    #[error(transparent)]
    Event(#[from] JournalError),
}

impl From<ApartError> for StrategyError {
    fn from(error: ApartError) -> Self {
        Self(Box::new(error))
    }
}

/// What a strategy failed with, where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{hook}: {text}")]
pub struct Failure {
    /// In which of its methods.
    pub hook: String,
    /// With what.
    pub text: String,
}

/// What a strategy is woken by; the machine asks for it when trading starts.
#[derive(Debug, Serialize, Deserialize)]
struct Described {
    wakes: Wakes,
    resolutions: Vec<Rule>,
}

/// What a strategy asked for while one event was stepped, wake-up by wake-up; with a failure, the last one failed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Answer {
    wakes: Vec<Vec<Intent>>,
    failure: Option<Failure>,
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApartError> {
    let (value, rest) = postcard::take_from_bytes(bytes)?;
    if rest.is_empty() { Ok(value) } else { Err(ApartError::NoMessage) }
}

/// A strategy of which is noted what it asks for.
#[derive(Debug)]
struct Noted<S> {
    inner: S,
    wakes: Vec<Vec<Intent>>,
}

impl<S> Noted<S> {
    fn note(
        &mut self,
        ctx: &mut Context<'_>,
        wake: impl FnOnce(&mut S, &mut Context<'_>) -> Result<(), StrategyError>,
    ) -> Result<(), StrategyError> {
        let before = ctx.intents.len();
        wake(&mut self.inner, ctx)?;
        self.wakes.push(ctx.intents.get(before..).unwrap_or_default().to_vec());
        Ok(())
    }
}

/// The machine once more, around the strategy itself, where that is not trusted.
#[derive(Debug)]
pub struct Twin<S, R> {
    system: TradingSystem<Noted<S>, R>,
}

impl<S: Strategy, R: RiskManager> Twin<S, R> {
    /// Around the same world as that of the machine that trades, with the same risk manager.
    #[must_use]
    pub fn around(world: World, strategy: S, risk: R) -> Self {
        Self { system: TradingSystem::around(world, Noted { inner: strategy, wakes: Vec::new() }, risk) }
    }

    /// What [`Told`] has to know first.
    ///
    /// # Errors
    /// [`ApartError`].
    pub fn described(&self) -> Result<Vec<u8>, ApartError> {
        let strategy = &self.system.strategy().inner;
        Ok(postcard::to_stdvec(&Described { wakes: strategy.wakes(), resolutions: strategy.resolutions() })?)
    }

    /// Steps an event, and says what the strategy asked for meanwhile; `failure` puts into words what it failed with, after which it must
    /// not be asked again.
    ///
    /// Where the machine itself fails, the other one does so too, at the same place: nothing is said of it.
    ///
    /// # Errors
    /// [`ApartError`].
    pub fn answer(
        &mut self,
        request: &[u8],
        failure: impl FnOnce(StrategyError) -> Failure,
    ) -> Result<Vec<u8>, ApartError> {
        let record: Record = decode(request)?;
        let event = record.event().ok_or(ApartError::NoMessage)?;
        let failure = match self.system.step(event, &mut Vec::new()) {
            Err(SystemError::Strategy { source, .. }) => Some(failure(source)),
            Err(_) | Ok(()) => None,
        };
        let wakes = std::mem::take(&mut self.system.strategy_mut().wakes);
        Ok(postcard::to_stdvec(&Answer { wakes, failure })?)
    }
}

/// A strategy that repeats what a [`Twin`] of its machine says.
pub struct Told<A> {
    ask: A,
    described: Described,
    request: Vec<u8>,
    wakes: std::vec::IntoIter<Vec<Intent>>,
    failure: Option<Failure>,
}

impl<A> fmt::Debug for Told<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").field("described", &self.described).finish_non_exhaustive()
    }
}

impl<A: FnMut(&[u8]) -> Result<Vec<u8>, StrategyError>> Told<A> {
    /// By what [`Twin::described`] said; `ask` carries a request to [`Twin::answer`] and brings back its answer.
    ///
    /// # Errors
    /// [`ApartError`].
    pub fn new(described: &[u8], ask: A) -> Result<Self, ApartError> {
        let described = decode(described)?;
        Ok(Self { ask, described, request: Vec::new(), wakes: Vec::new().into_iter(), failure: None })
    }

    fn repeat(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        let Some(wanted) = self.wakes.next() else {
            return Err(match self.failure.take() {
                Some(failure) => StrategyError(Box::new(failure)),
                None => ApartError::OtherWakes("fewer").into(),
            });
        };
        wanted.into_iter().try_for_each(|intent| Ok(ask_for(intent, ctx)?))
    }
}

/// Puts an intent where a strategy would, if one could have.
fn ask_for(intent: Intent, ctx: &mut Context<'_>) -> Result<(), ApartError> {
    let impossible = || ApartError::Impossible(format!("{intent:?}"));
    let count = ctx.world.instruments.len();
    let is_known = |instrument: InstrumentId| instrument.index() < count;
    match intent {
        Intent::Place(cloid, request) => {
            let is_whole = request.quantity.is_none_or(|quantity| quantity.is_positive())
                && !matches!(request.kind, OrderKind::Twap { duration } if duration.raw() <= 0);
            if !is_known(request.instrument) || !is_whole || ctx.place(request) != cloid {
                return Err(impossible());
            }
            return Ok(());
        }
        Intent::Signal(signal) if !is_known(signal.instrument) || signal.strength.is_negative() => {
            return Err(impossible());
        }
        Intent::Modify { instrument, .. } | Intent::Cancel { instrument, .. } if !is_known(instrument) => {
            return Err(impossible());
        }
        Intent::Signal(_)
        | Intent::Modify { .. }
        | Intent::Cancel { .. }
        | Intent::ScheduleCancel { .. }
        | Intent::Timer { .. } => {}
    }
    ctx.intents.push(intent);
    Ok(())
}

impl<A: FnMut(&[u8]) -> Result<Vec<u8>, StrategyError>> Told<A> {
    fn hear(&mut self, event: Event<'_>) -> Result<Vec<u8>, StrategyError> {
        if self.wakes.len() > 0 || self.failure.is_some() {
            return Err(ApartError::OtherWakes("more").into());
        }
        self.request.clear();
        encode_event(event, &mut self.request).map_err(ApartError::from)?;
        (self.ask)(&self.request)
    }
}

/// The methods that wake a strategy.
macro_rules! each_wakes {
    ($($method:ident($($argument:ident: $type:ty),*);)+) => {
        impl<S: Strategy> Strategy for Noted<S> {
            fn wakes(&self) -> Wakes {
                self.inner.wakes()
            }
            fn resolutions(&self) -> Vec<Rule> {
                self.inner.resolutions()
            }
            $(
                fn $method(&mut self, ctx: &mut Context<'_>, $($argument: $type),*) -> Result<(), StrategyError> {
                    self.note(ctx, |inner, ctx| inner.$method(ctx, $($argument),*))
                }
            )+
        }

        impl<A: FnMut(&[u8]) -> Result<Vec<u8>, StrategyError>> Strategy for Told<A> {
            fn wakes(&self) -> Wakes {
                self.described.wakes
            }
            fn resolutions(&self) -> Vec<Rule> {
                self.described.resolutions.clone()
            }
            fn foresee(&mut self, event: Event<'_>) -> Result<(), StrategyError> {
                let answer = self.hear(event)?;
                let Answer { wakes, failure } = decode(&answer)?;
                (self.wakes, self.failure) = (wakes.into_iter(), failure);
                Ok(())
            }
            $(
                fn $method(&mut self, ctx: &mut Context<'_>, $(_: $type),*) -> Result<(), StrategyError> {
                    self.repeat(ctx)
                }
            )+
        }
    };
}

each_wakes! {
    on_start();
    on_bar(bar: &Bar);
    on_built_bar(bar: &Bar, rule: Rule);
    on_trade(trade: &Trade);
    on_quote(quote: &Quote);
    on_book(instrument: InstrumentId);
    on_fill(fill: &FillEvent);
    on_order(update: &OrderUpdate);
    on_timer(timer: TimerEvent);
    on_stop();
}
