//! The hash of the Belenios protocol: SHA-256 of a text, read as a big-endian number, modulo q.
//!
//! Source: Belenios specification, "Group Ed25519-specific hash"; the strings are in docs/protocol.md.
use curve25519_dalek::Scalar;
use sha2::{Digest, Sha256};

/// H of what was fed to `hasher`.
pub fn finish(hasher: Sha256) -> Scalar {
    let mut digest: [u8; 32] = hasher.finalize().into();
    digest.reverse();
    Scalar::from_bytes_mod_order(digest)
}

pub fn to_scalar(parts: &[&[u8]]) -> Scalar {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    finish(hasher)
}
