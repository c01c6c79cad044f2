//! Answers to `/exchange`, over HTTP and over the socket.

use std::borrow::Cow;

use super::error::MessageError;
use super::json::{Raw, View, Wire, read_field, record};
use super::kinds::Json;
use crate::hyperliquid::names::{answer, field as key};
use crate::num::{Price, Qty};
use crate::order::Cloid;

record! {
    /// An order rests.
    Resting {
        /// The exchange's id.
        oid: u64 = OID,
        /// Our id, if it has one.
        cloid: Option<Cloid> = CLOID,
    }
}

record! {
    /// An order was filled, perhaps in part; what is left of it is gone. The fee is told by its fills alone.
    Filled {
        /// How much.
        quantity: Qty = TOTAL_SZ,
        /// At which average price.
        average_price: Price = AVG_PX,
        /// The exchange's id.
        oid: u64 = OID,
        /// Our id, if it has one.
        cloid: Option<Cloid> = CLOID,
    }
}

record! {
    /// A slicing order runs.
    Running {
        /// Its number.
        twap_id: u64 = TWAP_ID,
    }
}

/// What became of one item of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemStatus {
    /// It rests.
    Resting(Resting),
    /// It was filled.
    Filled(Filled),
    /// A slicing order runs.
    Running(Running),
    /// It was refused, in the exchange's words.
    Error(Box<str>),
    /// A word: `success`, `waitingForFill`, `waitingForTrigger`, or a new one.
    Word(Box<str>),
    /// Something new, as it came.
    Unknown(Json),
}

impl Wire for ItemStatus {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        if value.is_text() {
            return Wire::read(value, field).map(Self::Word);
        }
        if !value.is_object() {
            return Json::read(value, field).map(Self::Unknown);
        }
        let keys = [answer::ERROR, answer::RESTING, answer::FILLED, answer::RUNNING];
        let [error, resting, filled, running] = value.fields(&keys, field)?;
        if let Some(error) = error {
            // Kept whatever it is: nothing that was refused may pass for a success.
            return Ok(Self::Error(error.text(answer::ERROR).unwrap_or(Cow::Borrowed(error.json())).into()));
        }
        match (resting, filled, running) {
            (Some(resting), ..) => Wire::read(resting, answer::RESTING).map(Self::Resting),
            (_, Some(filled), _) => Wire::read(filled, answer::FILLED).map(Self::Filled),
            (.., Some(running)) => Wire::read(running, answer::RUNNING).map(Self::Running),
            _ => Json::read(value, field).map(Self::Unknown),
        }
    }
    fn view(&self) -> View<'_> {
        let text = |text| View::Text(Cow::Borrowed(text));
        let (name, value) = match self {
            Self::Resting(resting) => ("resting", resting.view()),
            Self::Filled(filled) => ("filled", filled.view()),
            Self::Running(running) => ("running", running.view()),
            Self::Error(error) => ("error", text(&**error)),
            Self::Word(word) => ("word", text(&**word)),
            Self::Unknown(json) => ("unknown", json.view()),
        };
        View::Record(vec![(name, value)])
    }
}

/// The answer to an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeAnswer {
    /// It was carried out, item by item as the statuses say.
    Done {
        /// What was done: `order`, `cancel`, `default` and others.
        kind: Box<str>,
        /// One for each item, in order, unless one error stands for all; none for actions without items.
        statuses: Vec<ItemStatus>,
        /// What else was said, as it came.
        data: Option<Json>,
    },
    /// It was refused as a whole, in the exchange's words: nothing of it was done.
    Refused(Box<str>),
}

impl ExchangeAnswer {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// [`MessageError`]: what became of the action is then not known.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        Self::read(Raw::whole(bytes, "answer")?, "answer")
    }
}

impl Wire for ExchangeAnswer {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        let [status, response] = value.fields(&[key::STATUS, key::RESPONSE], field)?;
        let (status, response): (Box<str>, _) = (read_field(status, key::STATUS)?, response);
        let response = response.ok_or(MessageError::Missing { field: key::RESPONSE })?;
        match &*status {
            answer::OK => {}
            answer::ERR => {
                let text = response.text(key::RESPONSE).unwrap_or(Cow::Borrowed(response.json()));
                return Ok(Self::Refused(text.into()));
            }
            other => return Err(MessageError::value(key::STATUS, other, "ok or err")),
        }
        let [kind, data] = response.fields(&[key::TYPE, key::DATA], key::RESPONSE)?;
        let kind = read_field(kind, key::TYPE)?;
        let Some(data) = data.filter(|data| data.is_object()) else {
            let data = read_field(data, key::DATA)?;
            return Ok(Self::Done { kind, statuses: Vec::new(), data });
        };
        let [statuses, status] = data.fields(&[key::STATUSES, key::STATUS], key::DATA)?;
        let (statuses, data) = match (statuses, status) {
            (Some(statuses), _) => (Wire::read(statuses, key::STATUSES)?, None),
            (None, Some(status)) => (vec![Wire::read(status, key::STATUS)?], None),
            (None, None) => (Vec::new(), Some(Wire::read(data, key::DATA)?)),
        };
        Ok(Self::Done { kind, statuses, data })
    }
    fn view(&self) -> View<'_> {
        match self {
            Self::Done { kind, statuses, data } => View::Record(vec![
                ("is_ok", View::Flag(true)),
                ("kind", View::Text(Cow::Borrowed(kind))),
                ("statuses", statuses.view()),
                ("data", data.view()),
            ]),
            Self::Refused(text) => {
                View::Record(vec![("is_ok", View::Flag(false)), ("error", View::Text(Cow::Borrowed(text)))])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ExchangeAnswer {
        ExchangeAnswer::parse(text.as_bytes()).unwrap()
    }

    fn statuses(text: &str) -> Vec<ItemStatus> {
        match read(&format!(r#"{{"status":"ok","response":{{"type":"order","data":{text}}}}}"#)) {
            ExchangeAnswer::Done { statuses, .. } => statuses,
            ExchangeAnswer::Refused(text) => panic!("{text}"),
        }
    }

    #[test]
    fn each_item_has_its_status_be_it_an_object_a_word_or_something_new() {
        let told = statuses(
            r#"{"statuses":[{"resting":{"oid":77738308,"cloid":"0x00000000000000000000000000000001"}},
                {"filled":{"totalSz":"0.02","avgPx":"1891.4","oid":77747314}},
                {"error":"Order must have minimum value of $10. asset=1"},"waitingForFill","success",
                {"error":{"code":7}},{"floating":{}},null]}"#,
        );
        assert_eq!(told[0], ItemStatus::Resting(Resting { oid: 77_738_308, cloid: Some(Cloid(1)) }));
        let filled = Filled {
            quantity: "0.02".parse().unwrap(),
            average_price: "1891.4".parse().unwrap(),
            oid: 77_747_314,
            cloid: None,
        };
        assert_eq!(told[1], ItemStatus::Filled(filled));
        assert_eq!(told[2], ItemStatus::Error("Order must have minimum value of $10. asset=1".into()));
        assert_eq!(told[3..5], [ItemStatus::Word("waitingForFill".into()), ItemStatus::Word("success".into())]);
        assert_eq!(told[5], ItemStatus::Error(r#"{"code":7}"#.into()));
        assert_eq!(
            told[6..],
            [ItemStatus::Unknown(Json(r#"{"floating":{}}"#.into())), ItemStatus::Unknown(Json("null".into()))]
        );
    }

    #[test]
    fn slicing_orders_have_one_status() {
        let running = statuses(r#"{"status":{"running":{"twapId":77738308}}}"#);
        assert_eq!(running, [ItemStatus::Running(Running { twap_id: 77_738_308 })]);
        assert_eq!(statuses(r#"{"status":"success"}"#), [ItemStatus::Word("success".into())]);
        assert!(matches!(&statuses(r#"{"status":{"error":"TWAP was never placed"}}"#)[0], ItemStatus::Error(_)));
    }

    #[test]
    fn an_action_without_items_has_no_status_and_a_refused_one_a_reason() {
        let done = |data| ExchangeAnswer::Done { kind: "default".into(), statuses: Vec::new(), data };
        assert_eq!(read(r#"{"status":"ok","response":{"type":"default"}}"#), done(None));
        let address = Some(Json(r#""0xab""#.into()));
        assert_eq!(read(r#"{"status":"ok","response":{"type":"default","data":"0xab"}}"#), done(address));
        let refused = read(r#"{"status":"err","response":"Invalid nonce: duplicate nonce 5"}"#);
        assert_eq!(refused, ExchangeAnswer::Refused("Invalid nonce: duplicate nonce 5".into()));
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_never_a_success() {
        for text in [
            "null",
            "{}",
            "Failed to deserialize",
            r#"{"status":"ok"}"#,
            r#"{"status":"perhaps","response":{}}"#,
            r#"{"status":"ok","response":{"type":"order","data":{"statuses":{}}}}"#,
            r#"{"status":"ok","response":{"type":"order","data":{"statuses":[{"filled":{"totalSz":"1"}}]}}}"#,
        ] {
            assert!(ExchangeAnswer::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
