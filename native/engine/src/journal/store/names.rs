//! The names of journals, and the files that they are in.

use super::StoreError;

const NAME_MAX: usize = 200;

/// The file of a journal: its name, with an ending.
///
/// # Errors
/// [`StoreError::Name`], for one that would lead out of the folder, or would not do on every file system.
pub fn file_of(name: &str) -> Result<String, StoreError> {
    let is_part = |part: &str| {
        let is_usual = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_usual)
    };
    if name.len() <= NAME_MAX && name.split('/').all(is_part) {
        Ok(format!("{name}.journal"))
    } else {
        Err(StoreError::Name(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_the_folder() {
        assert_eq!(file_of("b1/000001").unwrap(), "b1/000001.journal");
        assert_eq!(file_of("A-z_0.9").unwrap(), "A-z_0.9.journal");
        let long = "x".repeat(201);
        for name in [
            "",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            ".hidden",
            "a b",
            "a\\b",
            "ä",
            "a\0",
            "C:a",
            "a\n",
            long.as_str(),
        ] {
            assert!(matches!(file_of(name), Err(StoreError::Name(given)) if given == name), "{name}");
        }
    }
}
