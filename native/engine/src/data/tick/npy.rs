//! The header of a numpy array of events.

use crate::data::fault::{Fault, SourceError};
use crate::data::input::Input;

/// A longer header describes something else.
const HEADER_BYTES_MAX: usize = 1 << 16;
/// The columns of an event, as numpy writes them down (without spaces).
const COLUMNS: &str = "[('ev','<u8'),('exch_ts','<i8'),('local_ts','<i8'),('px','<f8'),('qty','<f8'),\
                       ('order_id','<u8'),('ival','<i8'),('fval','<f8')]";
const WANTED: &str = "ev u64, exch_ts i64, local_ts i64, px f64, qty f64, order_id u64, ival i64, fval f64";

/// Reads the header and says how many events follow.
pub fn read_header(input: &mut Input) -> Result<u64, SourceError> {
    let [.., major, _minor] = read_array::<8>(input)?;
    let length = if major == 1 {
        usize::from(u16::from_le_bytes(read_array(input)?))
    } else {
        usize::try_from(u32::from_le_bytes(read_array(input)?)).unwrap_or(usize::MAX)
    };
    if length > HEADER_BYTES_MAX {
        return Err(damaged("its header is too long").alone());
    }
    let mut header = vec![0; length];
    if read_full(input, &mut header)? < length {
        return Err(truncated().alone());
    }
    let text: String = header.iter().map(|byte| char::from(*byte)).filter(|c| !c.is_whitespace()).collect();
    let after = |key: &str| text.split_once(key).map(|(_, rest)| rest);
    let columns = after("'descr':").and_then(|rest| rest.split_inclusive(']').next()).unwrap_or_default();
    if columns != COLUMNS {
        let found: String = columns.chars().take(200).collect();
        let fault = Fault::WrongType { found: found.into(), wanted: WANTED };
        return Err(SourceError { column: Some("dtype".into()), ..fault.alone() });
    }
    let shape = after("'shape':(").and_then(|rest| rest.split_once(",)")).map(|(count, _)| count);
    let count = shape.and_then(|count| count.parse().ok());
    count.ok_or_else(|| damaged("it is not an array of one dimension").alone())
}

/// Fills the buffer as far as the input goes.
pub fn read_full(input: &mut Input, into: &mut [u8]) -> Result<usize, SourceError> {
    let mut done = 0;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match input.read(rest).map_err(|fault| fault.alone())? {
            0 => break,
            count => done += count,
        }
    }
    Ok(done)
}

fn read_array<const N: usize>(input: &mut Input) -> Result<[u8; N], SourceError> {
    let mut bytes = [0; N];
    if read_full(input, &mut bytes)? < N { Err(truncated().alone()) } else { Ok(bytes) }
}

pub const fn truncated() -> Fault {
    Fault::Truncated { format: "npy" }
}
pub fn damaged(reason: &str) -> Fault {
    Fault::Damaged { format: "npy", reason: reason.into() }
}
