//! A ballot's entry, `["ballot", poll, group, ballot, permits, turn, cast]`, read in one pass over its bytes.
//!
//! Entries are CBOR in the one deterministic encoding (section 2 of docs/protocol.md), of which a ballot has five sorts of
//! items only. The reader walks over the bytes once, copies none of them and makes room for nothing that they only promise:
//! an item that is not what the form wants ends it.
use std::ops::Range;

use crate::cast;
use crate::error::{Failure, Rule, Verdict};
use crate::hash::Sha256;

/// What every ballot's entry begins with: an array of seven, and its kind.
pub const BEGINNING: &[u8] = b"\x87\x66ballot";

const MOST_BYTES: usize = 65_535;
/// Items of an entry, the outermost array counted.
const MOST_ITEMS: usize = 4_096;
/// Those of a ballot without permits: the two arrays and the seven of the outer one count as eight, and a permit as four.
const MOST_PERMITS: u64 = ((MOST_ITEMS - 8) / 4) as u64;
/// The cast signature is the last item: two bytes that say how long it is, then itself.
const CAST_ITEM: usize = 2 + cast::SIZE;

/// An entry, `D` its bytes, owned or borrowed.
pub struct Entry<D> {
    data: D,
    poll: Range<usize>,
    pub group: u64,
    ballot: Range<usize>,
    permits: Vec<PlacedPermit>,
    pub turn: u64,
}

struct PlacedPermit {
    registrar: u64,
    prefix: Range<usize>,
    signature: Range<usize>,
}

/// One registrar's permit.
pub struct Permit<'a> {
    /// Index in the list of the poll's class.
    pub registrar: u64,
    pub prefix: &'a [u8],
    pub signature: &'a [u8],
}

/// Whether an entry says that it is a ballot.
pub fn is_ballot(data: &[u8]) -> bool {
    data.starts_with(BEGINNING)
}

impl<D: AsRef<[u8]>> Entry<D> {
    /// Of an entry that `is_ballot`.
    pub fn read(data: D) -> Verdict<Entry<D>> {
        let bytes = data.as_ref();
        if bytes.len() > MOST_BYTES {
            return codec(format!("The entry has {} bytes; 65,535 are the most", bytes.len()));
        }
        if !is_ballot(bytes) {
            return shape("A ballot's entry begins with its kind");
        }
        let mut reader = Reader { bytes, at: BEGINNING.len() };
        let poll = reader.bytes()?;
        if poll.len() != 32 {
            return shape(format!("A poll's id has 32 bytes, not {}", poll.len()));
        }
        let group = reader.number()?;
        let ballot = reader.bytes()?;
        let count = reader.array()?;
        if count > MOST_PERMITS {
            return codec(format!("The entry holds more than {MOST_ITEMS} items"));
        }
        let mut permits = Vec::new();
        for _ in 0..count {
            if reader.array()? != 3 {
                return shape("A permit is an array of registrar, prefix and signature");
            }
            let registrar = reader.number()?;
            permits.push(PlacedPermit { registrar, prefix: reader.bytes()?, signature: reader.bytes()? });
        }
        let turn = reader.number()?;
        let cast = reader.bytes()?;
        if reader.at != bytes.len() {
            return codec("The entry goes on after its end");
        }
        if cast.len() != cast::SIZE {
            return shape(format!("The cast signature must be {} bytes", cast::SIZE));
        }
        Ok(Entry { data, poll, group, ballot, permits, turn })
    }

    pub fn data(&self) -> &[u8] {
        self.data.as_ref()
    }

    /// 32 bytes.
    pub fn poll(&self) -> &[u8] {
        &self.data()[self.poll.clone()]
    }

    pub fn ballot(&self) -> &[u8] {
        &self.data()[self.ballot.clone()]
    }

    pub fn permits(&self) -> impl ExactSizeIterator<Item = Permit<'_>> {
        self.permits.iter().map(|permit| Permit {
            registrar: permit.registrar,
            prefix: &self.data()[permit.prefix.clone()],
            signature: &self.data()[permit.signature.clone()],
        })
    }

    pub fn cast(&self) -> &[u8; cast::SIZE] {
        self.data().last_chunk().expect("the cast signature is last")
    }

    /// What the cast signature signs: `veche-cast-v1|` hex(SHA-256(the entry without it)) `|`.
    pub fn cast_prefix(&self) -> Vec<u8> {
        // The encoding is deterministic: an array of seven whose last item is cut off is an array of six.
        let data = self.data();
        let digest = Sha256::new(&[0x86]).then(&data[1..data.len() - CAST_ITEM]).finish();
        let mut prefix = b"veche-cast-v1|".to_vec();
        hex(&mut prefix, &digest);
        prefix.push(b'|');
        prefix
    }

    /// What a permit of this ballot signs behind its prefix (section 4.1).
    pub fn permit_message(&self, credential: &[u8; 32]) -> Vec<u8> {
        let mut message = b"veche-permit-v1|".to_vec();
        hex(&mut message, self.poll());
        message.extend(format!("|{}|", self.group).bytes());
        hex(&mut message, credential);
        message
    }
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}

fn codec<T>(reason: impl Into<String>) -> Verdict<T> {
    Err(Failure::new(Rule::Codec, reason))
}

fn shape<T>(reason: impl Into<String>) -> Verdict<T> {
    Err(Failure::new(Rule::Shape, reason))
}

/// The sorts of items that an entry may hold, by the three bits that CBOR begins them with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Number = 0,
    Bytes = 2,
    Text = 3,
    Array = 4,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Verdict<u64> {
        self.head(Sort::Number)
    }

    fn array(&mut self) -> Verdict<u64> {
        self.head(Sort::Array)
    }

    fn bytes(&mut self) -> Verdict<Range<usize>> {
        let length = self.head(Sort::Bytes)?;
        let start = self.at;
        match usize::try_from(length).ok().and_then(|length| start.checked_add(length)) {
            Some(end) if end <= self.bytes.len() => {
                self.at = end;
                Ok(start..end)
            }
            _ => codec("The entry ends too early"),
        }
    }

    /// The number that an item begins with: its value, or how long it is. RFC 8949, sections 3 and 4.2.1.
    fn head(&mut self, wanted: Sort) -> Verdict<u64> {
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
        if sort != wanted {
            return shape("A ballot entry is an array of poll, group, ballot, permits, turn and cast signature");
        }
        Ok(value)
    }

    fn big_endian(&mut self, count: usize) -> Verdict<u64> {
        Ok(self.take(count)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn take(&mut self, count: usize) -> Verdict<&[u8]> {
        let start = self.at;
        match self.bytes.get(start..start + count) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => codec("The entry ends too early"),
        }
    }
}
