//! A ballot's entry, `["ballot", poll, group, ballot, permits, turn, cast]`, read in one pass over its bytes.
//!
//! Entries are CBOR in the one deterministic encoding (section 2 of docs/protocol.md), of which a ballot has five sorts of
//! items only. The reader walks over the bytes once, copies none of them and makes room for nothing that they only promise:
//! an item that is not what the form wants ends it.
use std::ops::Range;

use crate::cast;
use crate::codec::{MOST_ITEMS, Reader, Sort, check_size, codec};
use crate::error::{Failure, Rule, Verdict};
use crate::hash::Sha256;

/// What every ballot's entry begins with: an array of seven, and its kind.
pub const BEGINNING: &[u8] = b"\x87\x66ballot";

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
        check_size(bytes)?;
        if !is_ballot(bytes) {
            return shape("A ballot's entry begins with its kind");
        }
        let mut reader = Reader::new(bytes, BEGINNING.len());
        let poll = string(&mut reader)?;
        if poll.len() != 32 {
            return shape(format!("A poll's id has 32 bytes, not {}", poll.len()));
        }
        let group = wanted(&mut reader, Sort::Number)?;
        let ballot = string(&mut reader)?;
        let count = wanted(&mut reader, Sort::Array)?;
        if count > MOST_PERMITS {
            return codec(format!("The entry holds more than {MOST_ITEMS} items"));
        }
        let mut permits = Vec::new();
        for _ in 0..count {
            if wanted(&mut reader, Sort::Array)? != 3 {
                return shape("A permit is an array of registrar, prefix and signature");
            }
            let registrar = wanted(&mut reader, Sort::Number)?;
            permits.push(PlacedPermit { registrar, prefix: string(&mut reader)?, signature: string(&mut reader)? });
        }
        let turn = wanted(&mut reader, Sort::Number)?;
        let cast = string(&mut reader)?;
        if !reader.at_end() {
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

/// The number that the next item begins with, which must be of this sort.
fn wanted(reader: &mut Reader, sort: Sort) -> Verdict<u64> {
    match reader.head()? {
        (found, value) if found == sort => Ok(value),
        _ => shape("A ballot entry is an array of poll, group, ballot, permits, turn and cast signature"),
    }
}

fn string(reader: &mut Reader) -> Verdict<Range<usize>> {
    let length = wanted(reader, Sort::Bytes)?;
    reader.skip(length)
}

fn shape<T>(reason: impl Into<String>) -> Verdict<T> {
    Err(Failure::new(Rule::Shape, reason))
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(below: usize) -> usize {
        let mut bytes = [0u8; 8];
        getrandom::fill(&mut bytes).unwrap();
        (u64::from_le_bytes(bytes) % below as u64) as usize
    }

    /// The head of an item, in the one way that is allowed.
    fn head(out: &mut Vec<u8>, sort: Sort, value: u64) {
        let bytes = value.to_be_bytes();
        let (short, length) = match value {
            0..24 => (value as u8, 0),
            24..0x100 => (24, 1),
            0x100..0x1_0000 => (25, 2),
            0x1_0000..0x1_0000_0000 => (26, 4),
            _ => (27, 8),
        };
        out.push((sort as u8) << 5 | short);
        out.extend(&bytes[8 - length..]);
    }

    fn string(out: &mut Vec<u8>, bytes: &[u8]) {
        head(out, Sort::Bytes, bytes.len() as u64);
        out.extend(bytes);
    }

    fn write<D: AsRef<[u8]>>(entry: &Entry<D>) -> Vec<u8> {
        let mut out = BEGINNING.to_vec();
        string(&mut out, entry.poll());
        head(&mut out, Sort::Number, entry.group);
        string(&mut out, entry.ballot());
        head(&mut out, Sort::Array, entry.permits().len() as u64);
        for permit in entry.permits() {
            head(&mut out, Sort::Array, 3);
            head(&mut out, Sort::Number, permit.registrar);
            string(&mut out, permit.prefix);
            string(&mut out, permit.signature);
        }
        head(&mut out, Sort::Number, entry.turn);
        string(&mut out, entry.cast());
        out
    }

    fn good() -> Vec<u8> {
        let number = |out: &mut Vec<u8>| head(out, Sort::Number, [0, 23, 24, 255, 256, 1 << 20, 1 << 40][random(7)]);
        let mut out = BEGINNING.to_vec();
        string(&mut out, &[7; 32]);
        number(&mut out);
        string(&mut out, &vec![1; random(400)]);
        let permits = random(5);
        head(&mut out, Sort::Array, permits as u64);
        for _ in 0..permits {
            head(&mut out, Sort::Array, 3);
            number(&mut out);
            string(&mut out, &vec![2; random(64)]);
            string(&mut out, &vec![3; random(300)]);
        }
        number(&mut out);
        string(&mut out, &[4; 64]);
        out
    }

    /// Whatever is done to it, an entry that is taken is the only encoding of what was read; none makes the reader panic.
    #[test]
    fn what_is_taken_has_one_encoding() {
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..30_000 {
            let mut data = good();
            assert_eq!(write(&Entry::read(&data).unwrap()), data);
            for _ in 0..1 + random(3) {
                let at = BEGINNING.len() + random((data.len() - BEGINNING.len()).max(1));
                data.resize(data.len().max(at + 1), 0);
                match random(5) {
                    0 => data[at] = random(256) as u8,
                    1 => data[at] ^= 1 << random(8),
                    2 => drop(data.drain(at..(at + random(40)).min(data.len()))),
                    3 => data.insert(at, [0x18, 0x19, 0x40, 0x58, 0x80, 0x9f, 0xff][random(7)]),
                    _ => data.truncate(at.max(BEGINNING.len() + 1)),
                }
            }
            match Entry::read(&data) {
                Ok(entry) => {
                    taken += 1;
                    assert_eq!(write(&entry), data);
                    assert_eq!(entry.cast_prefix().len(), b"veche-cast-v1||".len() + 64);
                }
                Err(failure) => {
                    refused += 1;
                    assert!(matches!(failure.rule, Rule::Codec | Rule::Shape));
                }
            }
        }
        assert!(taken > 1_000 && refused > 1_000);
    }

    #[test]
    fn random_bytes_behind_a_good_beginning() {
        for _ in 0..20_000 {
            let mut data = vec![0; BEGINNING.len() + random(200)];
            getrandom::fill(&mut data).unwrap();
            data[..BEGINNING.len()].copy_from_slice(BEGINNING);
            if random(2) == 0 {
                data.splice(BEGINNING.len().., [0x58, 0x20].into_iter().chain([9; 32]).chain(data[8..].to_vec()));
            }
            assert!(Entry::read(&data).is_err());
        }
    }
}
