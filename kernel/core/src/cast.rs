//! The cast signature: a Schnorr signature by the credential over the whole entry, cheap enough to be checked first.
//!
//! R' (R divided by eight), response z; R = g^z cred^c with c = H(prefix ‖ str(R')). R' is hashed as it is stored: adding
//! torsion to it changes nothing in R, and must not give anybody another encoding of the same entry.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;

use crate::error::{Result, malformed, unproven};
use crate::{hash, point, scalar, schnorr};

pub const SIZE: usize = 64;

/// A cast signature taken apart, its challenge not yet known.
pub struct Cast {
    pub credential: EdwardsPoint,
    pub stored: [u8; 32],
    pub commitment: EdwardsPoint,
    pub response: Scalar,
}

pub fn read(credential: EdwardsPoint, signature: &[u8]) -> Result<Cast> {
    if signature.len() != SIZE {
        return malformed(format!("the cast signature has {SIZE} bytes, not {}", signature.len()));
    }
    let stored = signature[..32].try_into().expect("32 bytes");
    let commitment = point::decode_eighth(&signature[..32]).map_err(|e| e.at("the cast signature"))?;
    let response = scalar::decode(&signature[32..]).map_err(|e| e.at("the cast signature"))?;
    Ok(Cast { credential, stored, commitment, response })
}

pub fn challenge(prefix: &[u8], stored: &[u8; 32]) -> Scalar {
    hash::to_scalar(&[prefix, &point::hex(stored)])
}

pub fn check(cast: &Cast, challenge: &Scalar) -> Result<()> {
    if schnorr::commitment(&cast.credential, challenge, &cast.response) != cast.commitment {
        return unproven("the cast signature does not hold");
    }
    Ok(())
}

/// Exactly, on its own.
pub fn verify(cast: &Cast, prefix: &[u8]) -> Result<()> {
    check(cast, &challenge(prefix, &cast.stored))
}

pub fn sign(secret: &Scalar, prefix: &[u8]) -> [u8; SIZE] {
    let w = scalar::random();
    let stored = EdwardsPoint::mul_base(&(*w * scalar::one_eighth())).compress();
    let response = *w - secret * challenge(prefix, stored.as_bytes());
    let mut signature = [0u8; SIZE];
    signature[..32].copy_from_slice(stored.as_bytes());
    signature[32..].copy_from_slice(response.as_bytes());
    signature
}
