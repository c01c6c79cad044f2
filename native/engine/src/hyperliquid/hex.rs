//! Hex digits into bytes and back. An error tells nothing of the text, which may be a key.

/// The digits behind `0x`, which may be missing.
pub(super) fn digits(text: &str) -> &str {
    text.strip_prefix("0x").unwrap_or(text)
}

/// Fills `bytes` from exactly twice as many hex digits, of either case; `false`, with some bytes written, when they are not that.
pub(super) fn decode(digits: &[u8], bytes: &mut [u8]) -> bool {
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != bytes.len() {
        return false;
    }
    for ([high, low], byte) in pairs.iter().zip(bytes) {
        match (nibble(*high), nibble(*low)) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => return false,
        }
    }
    true
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Appends two lower-case digits for each byte.
pub(super) fn encode(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }));
        }
    }
}
