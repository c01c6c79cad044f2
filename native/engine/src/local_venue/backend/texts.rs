//! The venue's words for refusals and for what became of orders.

use crate::order::{OrderStatus, Reason};
use crate::venue::exchange::order::{NewOrder, Refusal};

/// The word for a status of an order.
pub(super) const fn status(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Resting | OrderStatus::Waiting => "open",
        OrderStatus::Triggered => "triggered",
        OrderStatus::Filled => "filled",
        OrderStatus::Cancelled(reason) => match reason {
            Reason::MarginCanceled => "marginCanceled",
            Reason::ReduceOnlyCanceled => "reduceOnlyCanceled",
            Reason::SelfTradeCanceled => "selfTradeCanceled",
            Reason::SiblingFilledCanceled => "siblingFilledCanceled",
            Reason::LiquidatedCanceled => "liquidatedCanceled",
            Reason::ScheduledCancel => "scheduledCancel",
            Reason::OpenInterest => "openInterestCapCanceled",
            Reason::Halted => "delistedCanceled",
            _ => "canceled",
        },
        OrderStatus::Rejected(reason) | OrderStatus::ActionRejected(reason) => match reason {
            Reason::Tick => "tickRejected",
            Reason::MinNotional => "minTradeNtlRejected",
            Reason::PerpMargin => "perpMarginRejected",
            Reason::ReduceOnly => "reduceOnlyRejected",
            Reason::BadAloPx => "badAloPxRejected",
            Reason::IocCancel => "iocCancelRejected",
            Reason::BadTriggerPx => "badTriggerPxRejected",
            Reason::NoLiquidity => "marketOrderNoLiquidityRejected",
            Reason::OpenInterest => "positionIncreaseAtOpenInterestCapRejected",
            Reason::SpotBalance => "insufficientSpotBalanceRejected",
            Reason::PriceBand => "oracleRejected",
            _ => "rejected",
        },
    }
}

/// Why an order was refused, as its status in the answer says. `quote` is the coin that a spot pair is paid with.
pub(super) fn refusal(refusal: &Refusal, asked: &NewOrder, asset: u32, quote: Option<&str>) -> String {
    let text = match refusal.reason {
        Reason::Tick => "Price must be divisible by tick size.".to_owned(),
        Reason::Lot if asked.quantity.is_zero() => "Order has zero size.".to_owned(),
        Reason::Lot => "Order has invalid size.".to_owned(),
        Reason::MinNotional => match quote {
            None => "Order must have minimum value of $10.".to_owned(),
            Some(quote) => format!("Order must have minimum value of 10 {quote}."),
        },
        Reason::PriceBand => "Order price cannot be more than 95% away from the reference price".to_owned(),
        Reason::PerpMargin => "Insufficient margin to place order.".to_owned(),
        Reason::SpotBalance => return format!("Insufficient spot balance asset={asset}"),
        Reason::ReduceOnly => "Reduce only order would increase position.".to_owned(),
        Reason::BadAloPx => match refusal.touch {
            Some((bid, ask)) => {
                format!("Post only order would have immediately matched, bbo was {bid}@{ask}.")
            }
            None => "Post only order would have immediately matched.".to_owned(),
        },
        Reason::IocCancel => "Order could not immediately match against any resting orders.".to_owned(),
        Reason::NoLiquidity => "No liquidity available for market order.".to_owned(),
        Reason::BadTriggerPx => "Invalid TP/SL price.".to_owned(),
        Reason::PostOnlyPeriod => "Only post-only orders allowed immediately after a network upgrade".to_owned(),
        Reason::OpenInterest => "Order would increase open interest while open interest is capped".to_owned(),
        Reason::OpenOrders => "Too many open orders.".to_owned(),
        Reason::Halted => "Trading is halted for this asset.".to_owned(),
        Reason::ParentCanceled => "Parent order was refused.".to_owned(),
        other => format!("Order was refused: {}.", other.as_str()),
    };
    format!("{text} asset={asset}")
}

/// A cancel of what is not there.
pub(super) fn not_there(asset: u32) -> String {
    format!("Order was never placed, already canceled, or filled. asset={asset}")
}
