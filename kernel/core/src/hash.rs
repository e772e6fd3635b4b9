//! The hash of the Belenios protocol: SHA-256 of a text, read as a big-endian number, modulo q.
//!
//! Source: Belenios specification, "Group Ed25519-specific hash"; the strings are in docs/protocol.md.
use aws_lc_rs::digest::{Context, SHA256};
use curve25519_dalek::Scalar;

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
