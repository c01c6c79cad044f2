//! PostgreSQL's numeric: digits in base 10,000, the first of them times 10,000 to the power of the weight.
//!
//! Scales are multiples of four decimals, so that a decimal's digits and numeric's fall together.

use super::fault::FieldFault;

const BASE: u128 = 10_000;
const NEGATIVE: u16 = 0x4000;
/// Digits of a 128-bit integer.
const DIGITS_MAX: usize = 10;
/// So many groups of four fit into 64 bits.
const GROUPS_OF_64_BITS: usize = 4;

/// Appends a number, `value` times 10,000 to the power of minus `groups`, with the length before it.
pub fn write(out: &mut Vec<u8>, value: i128, groups: i16) {
    let mut digits = [0_u16; DIGITS_MAX];
    let mut rest = value.unsigned_abs();
    let (mut count, mut zeros) = (0_usize, 0_usize);
    for digit in &mut digits {
        if rest == 0 {
            break;
        }
        // Nearly every number fits into 64 bits, whose division is far quicker.
        let low = match u64::try_from(rest) {
            Ok(narrow) => {
                rest = u128::from(narrow / 10_000);
                narrow % 10_000
            }
            Err(_) => {
                let low = rest % BASE;
                rest /= BASE;
                u64::try_from(low).unwrap_or_default()
            }
        };
        *digit = u16::try_from(low).unwrap_or_default();
        if low == 0 && zeros == count {
            zeros += 1;
        }
        count += 1;
    }
    // Zeros at the end are not told.
    let told = digits.get(zeros..count).unwrap_or_default();
    let ndigits = i16::try_from(told.len()).unwrap_or_default();
    let weight = if told.is_empty() { 0 } else { i16::try_from(count).unwrap_or_default() - 1 - groups };
    let sign = if value < 0 { NEGATIVE } else { 0 };
    out.extend_from_slice(&(8 + 2 * i32::from(ndigits)).to_be_bytes());
    out.extend_from_slice(&ndigits.to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&(4 * groups).to_be_bytes());
    for digit in told.iter().rev() {
        out.extend_from_slice(&digit.to_be_bytes());
    }
}

/// Reads a number as a multiple of 10,000 to the power of minus `groups`.
pub fn read(bytes: &[u8], groups: i16) -> Result<i128, FieldFault> {
    let length = || FieldFault::Length(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    let (head, digits) = bytes.split_first_chunk::<8>().ok_or_else(length)?;
    let [n1, n0, w1, w0, s1, s0, _, _] = *head;
    let (count, weight, sign) =
        (u16::from_be_bytes([n1, n0]), i16::from_be_bytes([w1, w0]), u16::from_be_bytes([s1, s0]));
    if digits.len() != 2 * usize::from(count) {
        return Err(length());
    }
    match sign {
        0 | NEGATIVE => {}
        0xc000 | 0xd000 | 0xf000 => return Err(FieldFault::NotFinite),
        _ => return Err(FieldFault::Malformed),
    }
    // How many groups of the result the first digit is the highest of; those that no digit is told of are zero.
    let wanted = i32::from(weight) + i32::from(groups) + 1;
    let size = magnitude(digits, wanted)?;
    let signed = i128::try_from(size).map_err(|_| FieldFault::Range)?;
    Ok(if sign == NEGATIVE { -signed } else { signed })
}

/// The first `wanted` groups of digits; the ones after must be zero, and those that are not there are.
fn magnitude(digits: &[u8], wanted: i32) -> Result<u128, FieldFault> {
    let wanted = usize::try_from(wanted).unwrap_or(0);
    let told = digits.len() / 2;
    let (whole, finer) = digits.split_at_checked(2 * wanted.min(told)).unwrap_or((digits, &[]));
    let group = |pair: &[u8; 2]| match u16::from_be_bytes(*pair) {
        digit @ 0..=9_999 => Ok(digit),
        _ => Err(FieldFault::Malformed),
    };
    for pair in finer.as_chunks::<2>().0 {
        if group(pair)? != 0 {
            return Err(FieldFault::Finer);
        }
    }
    let whole = whole.as_chunks::<2>().0;
    if wanted <= GROUPS_OF_64_BITS {
        let mut size = 0_u64;
        for pair in whole {
            size = size * 10_000 + u64::from(group(pair)?);
        }
        for _ in whole.len()..wanted {
            size *= 10_000;
        }
        return Ok(u128::from(size));
    }
    let mut size = 0_u128;
    for pair in whole {
        let next = u128::from(group(pair)?);
        size = size.checked_mul(BASE).and_then(|size| size.checked_add(next)).ok_or(FieldFault::Range)?;
    }
    // A weight may claim tens of thousands of groups.
    if size != 0 {
        for _ in whole.len()..wanted {
            size = size.checked_mul(BASE).ok_or(FieldFault::Range)?;
        }
    }
    Ok(size)
}
