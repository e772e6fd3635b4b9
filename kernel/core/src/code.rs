//! A ballot's code: the hash of its ciphertexts, to which a device commits before it knows whether it is checked
//! (section 3.3 of docs/protocol.md).
use crate::ballot;
use crate::checked;
use crate::error::Result;
use crate::hash::Sha256;
use crate::parameters::Parameters;
use crate::point;

/// `encodings` are those of alpha, beta, alpha, beta, ... in the ballot's order.
pub fn of(fingerprint: &str, encodings: &[[u8; 32]]) -> [u8; 32] {
    let mut hasher = Sha256::new(b"veche-check-v1|").then(fingerprint.as_bytes());
    for (i, encoding) in encodings.iter().enumerate() {
        hasher.update(if i == 0 { b"|" } else { b"," });
        hasher.update(&point::hex(encoding));
    }
    hasher.finish()
}

/// The code of a packed ballot. None of its proofs is checked, nor what else is in it.
pub fn of_ballot(parameters: &Parameters, packed: &[u8]) -> Result<[u8; 32]> {
    ballot::check_size(&parameters.shape, packed)?;
    let stored = checked::stored(&parameters.shape, packed);
    let points = stored.iter().map(|encoding| point::decode_eighth(encoding)).collect::<Result<Vec<_>>>()?;
    Ok(of(&parameters.fingerprint, &point::encode_many(&points)))
}
