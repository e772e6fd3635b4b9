//! The encoding of entries, looked through before anything is made of it: section 2 of docs/protocol.md.
//!
//! CBOR (RFC 8949) in its deterministic form, of four sorts of items. A look at the heads is enough to know that an entry is the
//! one encoding of what it says, and how much that is: a stranger's bytes cost a walk over them, and no room for what they promise.
use std::ops::Range;

use crate::error::{Failure, Rule, Verdict};

pub const MOST_BYTES: usize = 65_535;
/// Items of an entry, the outermost array counted.
pub const MOST_ITEMS: usize = 4_096;
/// Arrays in one another, the outermost counted.
const MOST_DEPTH: usize = 8;

/// Where the items of the outermost array begin, and at last where the entry ends: of one that is an array that begins with a
/// text, its kind, and the only encoding of what it says.
pub fn outline(bytes: &[u8]) -> Verdict<Vec<usize>> {
    check_size(bytes)?;
    let mut reader = Reader::new(bytes, 0);
    let (Sort::Array, count @ 1..) = reader.head()? else {
        return codec("The entry is not an array that begins with its kind");
    };
    let mut items = 1;
    let mut begins = Vec::new();
    // For each array that is open how many of its items are still to come.
    let mut open: Vec<u64> = Vec::with_capacity(MOST_DEPTH);
    let enter = |open: &mut Vec<u64>, items: &mut usize, count: u64| {
        if open.len() == MOST_DEPTH {
            return codec(format!("The entry is more than {MOST_DEPTH} arrays deep"));
        }
        if count > (MOST_ITEMS - *items) as u64 {
            return codec(format!("The entry holds more than {MOST_ITEMS} items"));
        }
        *items += count as usize;
        open.push(count);
        Ok(())
    };
    enter(&mut open, &mut items, count)?;
    while let Some(left) = open.last_mut() {
        if *left == 0 {
            open.pop();
            continue;
        }
        *left -= 1;
        if open.len() == 1 {
            begins.push(reader.at());
        }
        match reader.head()? {
            (Sort::Text, length) => {
                let text = reader.skip(length)?;
                if std::str::from_utf8(&bytes[text]).is_err() {
                    return codec("The entry holds text that is not UTF-8");
                }
            }
            _ if begins.len() == 1 && open.len() == 1 => {
                return codec("The entry is not an array that begins with its kind");
            }
            (Sort::Number, _) => (),
            (Sort::Bytes, length) => drop(reader.skip(length)?),
            (Sort::Array, count) => enter(&mut open, &mut items, count)?,
        }
    }
    if !reader.at_end() {
        return codec("The entry goes on after its end");
    }
    begins.push(reader.at());
    Ok(begins)
}

pub fn check_size(bytes: &[u8]) -> Verdict<()> {
    if bytes.len() > MOST_BYTES {
        return codec(format!("The entry has {} bytes; 65,535 are the most", bytes.len()));
    }
    Ok(())
}

pub fn codec<T>(reason: impl Into<String>) -> Verdict<T> {
    Err(Failure::new(Rule::Codec, reason))
}

/// The sorts of items that an entry may hold, by the three bits that CBOR begins them with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Number = 0,
    Bytes = 2,
    Text = 3,
    Array = 4,
}

pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    pub fn new(bytes: &[u8], at: usize) -> Reader<'_> {
        Reader { bytes, at }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The sort of the next item and the number that it begins with: its value, or how long it is. RFC 8949, sections 3 and 4.2.1.
    pub fn head(&mut self) -> Verdict<(Sort, u64)> {
        let first = self.take(1)?[0];
        let sort = match first >> 5 {
            0 => Sort::Number,
            2 => Sort::Bytes,
            3 => Sort::Text,
            4 => Sort::Array,
            _ => return codec("The entry holds something else than numbers, bytes, text and arrays"),
        };
        let (value, least) = match first & 0x1f {
            short @ 0..=23 => (u64::from(short), 0),
            24 => (self.big_endian(1)?, 24),
            25 => (self.big_endian(2)?, 1 << 8),
            26 => (self.big_endian(4)?, 1 << 16),
            27 => (self.big_endian(8)?, 1 << 32),
            _ => return codec("The entry is not CBOR, or of no definite length"),
        };
        if value < least {
            return codec("The entry is not in its canonical encoding");
        }
        Ok((sort, value))
    }

    /// Go past so many bytes: where they are.
    pub fn skip(&mut self, length: u64) -> Verdict<Range<usize>> {
        let start = self.at;
        match usize::try_from(length).ok().and_then(|length| start.checked_add(length)) {
            Some(end) if end <= self.bytes.len() => {
                self.at = end;
                Ok(start..end)
            }
            _ => codec("The entry ends too early"),
        }
    }

    fn big_endian(&mut self, count: usize) -> Verdict<u64> {
        Ok(self.take(count)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn take(&mut self, count: usize) -> Verdict<&[u8]> {
        let range = self.skip(count as u64)?;
        Ok(&self.bytes[range])
    }
}
