//! The hash of the Belenios protocol: SHA-256 of a text, read as a big-endian number, modulo q.
//!
//! Source: Belenios specification, "Group Ed25519-specific hash"; the strings are in docs/protocol.md.
use aws_lc_rs::digest::{Context, SHA256};
use curve25519_dalek::Scalar;

use crate::error::{Result, malformed};

/// SHA-256 of what comes in parts. A clone goes on from what both have read.
#[derive(Clone)]
pub struct Sha256(Context);

impl Sha256 {
    pub fn new(beginning: &[u8]) -> Sha256 {
        Sha256(Context::new(&SHA256)).then(beginning)
    }

    pub fn then(mut self, more: &[u8]) -> Sha256 {
        self.update(more);
        self
    }

    pub fn update(&mut self, more: &[u8]) {
        self.0.update(more);
    }

    pub fn finish(self) -> [u8; 32] {
        self.0.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

/// The sum of the hashes of records of `width` bytes each, as big-endian numbers, modulo 2^256.
pub fn sum_of_hashes(records: &[u8], width: usize) -> Result<[u8; 32]> {
    if width == 0 || !records.len().is_multiple_of(width) {
        return malformed(format!("{} bytes are not records of {width}", records.len()));
    }
    let mut sum = [0u64; 4]; // the least part first
    for record in records.chunks_exact(width) {
        let hash = Sha256::new(record).finish();
        let mut carry = 0;
        for (part, bytes) in sum.iter_mut().zip(hash.as_chunks::<8>().0.iter().rev()) {
            let total = u128::from(*part) + u128::from(u64::from_be_bytes(*bytes)) + carry;
            *part = total as u64;
            carry = total >> 64;
        }
    }
    let mut result = [0; 32];
    for (bytes, part) in result.as_chunks_mut::<8>().0.iter_mut().zip(sum.iter().rev()) {
        *bytes = part.to_be_bytes();
    }
    Ok(result)
}

/// H of what was fed to `hasher`.
pub fn finish(hasher: Sha256) -> Scalar {
    let mut digest = hasher.finish();
    digest.reverse();
    Scalar::from_bytes_mod_order(digest)
}

pub fn to_scalar(parts: &[&[u8]]) -> Scalar {
    let mut hasher = Sha256::new(b"");
    for part in parts {
        hasher.update(part);
    }
    finish(hasher)
}
