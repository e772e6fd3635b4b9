//! Everything that the proofs of an election's ballots depend on.
use std::sync::OnceLock;

use curve25519_dalek::edwards::{EdwardsBasepointTable, EdwardsPoint};
use curve25519_dalek::traits::BasepointTable;

use crate::error::{Result, malformed};
use crate::point;
use crate::shape::{Question, Shape};

pub struct Parameters {
    pub key: EdwardsPoint,
    pub fingerprint: String,
    pub uuid: String,
    pub shape: Shape,
    table: OnceLock<EdwardsBasepointTable>,
}

impl Parameters {
    pub fn new(key: &[u8], fingerprint: String, uuid: String, questions: Vec<Question>) -> Result<Parameters> {
        let key = point::decode_key(key, "the public key")?;
        let base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        if fingerprint.len() != 43 || !fingerprint.bytes().all(base64) {
            return malformed("the fingerprint of an election is 43 characters of base64");
        }
        let base58 = |b: u8| b.is_ascii_alphanumeric() && !b"0OIl".contains(&b);
        if uuid.len() < 14 || !uuid.bytes().all(base58) {
            return malformed("the uuid of an election is at least 14 characters of Base58");
        }
        Ok(Parameters { key, fingerprint, uuid, shape: Shape::new(questions)?, table: OnceLock::new() })
    }

    /// The key's multiples, for a constant-time multiplication. Made on first use: only those who encrypt or open need it.
    pub fn key_table(&self) -> &EdwardsBasepointTable {
        self.table.get_or_init(|| EdwardsBasepointTable::create(&self.key))
    }
}
