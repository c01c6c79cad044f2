//! The first line: delimiter, columns, and helpful words when one is missing.

use std::borrow::Cow;

use crate::data::fault::{Fault, SourceError};
use crate::data::options::{BarOptions, Column};
use crate::data::values::{number_of_text, time_of_text};

/// What the columns of a file are.
#[derive(Debug, Clone)]
pub struct Header {
    /// Between two fields.
    pub delimiter: u8,
    /// The columns in file order; `None` is read over.
    pub columns: Vec<Option<Column>>,
    /// Their names in the file.
    pub names: Vec<Box<str>>,
}

impl Header {
    /// Reads the first line (without line end and byte order mark).
    ///
    /// # Errors
    /// [`Fault::NoColumn`], [`Fault::TwoColumns`], [`Fault::NoHeader`], [`Fault::NotText`], [`Fault::OpenQuote`].
    pub fn parse(file: &str, line: &[u8], options: &BarOptions) -> Result<Self, SourceError> {
        let fail = |fault| SourceError { line: Some(1), ..SourceError::of_file(file, fault) };
        let delimiter = delimiter_of(line);
        let mut names: Vec<Box<str>> = Vec::new();
        let mut fields = Vec::new();
        split(line, delimiter, &mut fields).map_err(fail)?;
        for field in fields {
            let name = std::str::from_utf8(&field).map_err(|_| fail(Fault::NotText))?;
            names.push(name.into());
        }
        let mut columns = vec![None; names.len()];
        for column in Column::ALL {
            if let Some(at) = find_column(&names, column, options).map_err(fail)?
                && let Some(slot) = columns.get_mut(at)
            {
                *slot = Some(column);
            }
        }
        Ok(Self { delimiter, columns, names })
    }

    /// Whether the file has this column.
    #[must_use]
    pub fn has(&self, column: Column) -> bool {
        self.columns.contains(&Some(column))
    }
    /// What the file calls a column.
    #[must_use]
    pub fn name(&self, column: Column) -> &str {
        let at = self.columns.iter().position(|c| *c == Some(column));
        at.and_then(|at| self.names.get(at)).map_or(column.name(), |name| name)
    }
}

/// Where a column of bars is among the columns of a file or table; `None` for an optional one that is not there.
///
/// # Errors
/// [`Fault::NoColumn`], [`Fault::TwoColumns`], [`Fault::NoHeader`].
pub fn find_column(names: &[Box<str>], column: Column, options: &BarOptions) -> Result<Option<usize>, Fault> {
    let wanted = options.header(column);
    let is_exact = |name: &str| name == wanted;
    let is_alike = |name: &str| name.trim().eq_ignore_ascii_case(wanted);
    let count = |is: &dyn Fn(&str) -> bool| names.iter().filter(|n| is(n)).count();
    let matches: &dyn Fn(&str) -> bool = if count(&is_exact) > 0 { &is_exact } else { &is_alike };
    if count(matches) > 1 {
        return Err(Fault::TwoColumns { name: wanted.into() });
    }
    if let Some(at) = names.iter().position(|n| matches(n)) {
        return Ok(Some(at));
    }
    let is_optional = matches!(column, Column::Volume | Column::Symbol) && !options.is_mapped(column);
    if is_optional { Ok(None) } else { Err(no_column(names, column, wanted, options)) }
}

fn no_column(names: &[Box<str>], column: Column, wanted: &str, options: &BarOptions) -> Fault {
    let is_data = |name: &str| number_of_text(name.as_bytes()).is_ok() || time_of_text(name.as_bytes()).is_ok();
    let shown = names.iter().take(20).map(|n| &**n).collect::<Vec<_>>().join(", ");
    if names.iter().filter(|n| is_data(n)).count() * 2 > names.len() {
        return Fault::NoHeader { first: shown.into(), example: "timestamp,open,high,low,close,volume" };
    }
    let is_taken =
        |name: &str| Column::ALL.iter().any(|c| *c != column && options.header(*c).eq_ignore_ascii_case(name.trim()));
    let free = || names.iter().map(|n| &**n).filter(|n| !is_taken(n) && !n.trim().is_empty());
    let by_alias = || free().find(|n| column.aliases().iter().any(|a| a.eq_ignore_ascii_case(n.trim())));
    let by_letters = || {
        let near = free().map(|n| (distance(&n.to_ascii_lowercase(), &wanted.to_ascii_lowercase()), n));
        near.filter(|(steps, n)| *steps <= n.len().max(wanted.len()) / 2).min().map(|(_, n)| n)
    };
    let hint = if options.is_mapped(column) {
        by_letters().map(|n| format!(" Did you mean {n}?"))
    } else {
        by_alias().or_else(by_letters).map(|n| format!(" Did you mean {n}? Then map it: {column}={n}"))
    };
    Fault::NoColumn { wanted: wanted.into(), columns: shown.into(), hint: hint.unwrap_or_default().into() }
}

/// How many letters to insert, drop or change to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, above) in other.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != *b)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// The commonest of comma, semicolon and tab; comma if there is none.
fn delimiter_of(line: &[u8]) -> u8 {
    let count = |delimiter: u8| memchr::memchr_iter(delimiter, line).count();
    let best = [b',', b';', b'\t'].into_iter().rev().max_by_key(|d| count(*d));
    best.filter(|d| count(*d) > 0).unwrap_or(b',')
}

/// The fields of a line, without quotes and surrounding blanks.
///
/// # Errors
/// [`Fault::OpenQuote`].
pub fn split<'a>(line: &'a [u8], delimiter: u8, into: &mut Vec<Cow<'a, [u8]>>) -> Result<(), Fault> {
    into.clear();
    let mut rest = line;
    loop {
        let blank = rest.iter().take_while(|b| **b == b' ').count();
        let start = rest.get(blank..).unwrap_or_default();
        if let [b'"', quoted @ ..] = start {
            let (text, after) = unquote(quoted)?;
            let blank = after.iter().take_while(|b| **b == b' ').count();
            into.push(text);
            match after.get(blank..).unwrap_or_default() {
                [] => return Ok(()),
                [next, tail @ ..] if *next == delimiter => rest = tail,
                _ => return Err(Fault::OpenQuote),
            }
        } else {
            let end = memchr::memchr(delimiter, rest);
            let (field, tail) = rest.split_at(end.unwrap_or(rest.len()));
            into.push(Cow::Borrowed(field.trim_ascii()));
            match tail {
                [_, tail @ ..] => rest = tail,
                [] => return Ok(()),
            }
        }
    }
}

/// The text up to the closing quote, with doubled quotes halved, and what follows it.
fn unquote(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), Fault> {
    let mut owned: Option<Vec<u8>> = None;
    let mut rest = text;
    loop {
        let end = memchr::memchr(b'"', rest).ok_or(Fault::OpenQuote)?;
        let (part, tail) = rest.split_at(end);
        match tail {
            [_, b'"', tail @ ..] => {
                let owned = owned.get_or_insert_default();
                owned.extend_from_slice(part);
                owned.push(b'"');
                rest = tail;
            }
            [_, tail @ ..] => {
                let text = match owned {
                    Some(mut owned) => {
                        owned.extend_from_slice(part);
                        Cow::Owned(owned)
                    }
                    None => Cow::Borrowed(part),
                };
                return Ok((text, tail));
            }
            [] => return Err(Fault::OpenQuote),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Header, String> {
        Header::parse("f.csv", line.as_bytes(), &BarOptions::default()).map_err(|e| e.to_string())
    }
    fn fields(line: &str) -> Vec<String> {
        let mut into = Vec::new();
        split(line.as_bytes(), b',', &mut into).unwrap();
        into.iter().map(|f| String::from_utf8(f.to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_delimiter_is_told_from_the_header() {
        for line in
            ["timestamp,open,high,low,close", "timestamp;open;high;low;close", "timestamp\topen\thigh\tlow\tclose"]
        {
            assert_eq!(parse(line).unwrap().delimiter, line.as_bytes()[9]);
        }
    }

    #[test]
    fn a_missing_column_is_named_with_those_there_are_and_the_nearest() {
        let error = parse("date,open,high,low,close").unwrap_err();
        assert_eq!(
            error,
            "f.csv:1: there is no column `timestamp`: the file has date, open, high, low, close. Did you mean date? Then map it: timestamp=date"
        );
        assert!(parse("timestamp,open,hgih,low,close").unwrap_err().contains("Did you mean hgih?"));
        assert!(parse("timestamp,open,high,low,close,Close ").unwrap().has(Column::Close));
        assert!(parse("timestamp,open,high,low,Close, CLOSE").unwrap_err().contains("two columns are called `close`"));
        assert!(parse("1640995200000,1,2,0.5,1,7").unwrap_err().contains("put a line with the column names on top"));
    }

    #[test]
    fn quotes_are_taken_off_and_doubled_ones_halved() {
        assert_eq!(fields(r#"a, b ,"c,d", "e""f" ,"#), ["a", "b", "c,d", "e\"f", ""]);
        let mut into = Vec::new();
        assert_eq!(split(b"\"a", b',', &mut into), Err(Fault::OpenQuote));
        assert_eq!(split(b"\"a\"b", b',', &mut into), Err(Fault::OpenQuote));
    }
}
