//! Schnorr proofs: knowledge of a discrete logarithm, made non-interactive with the hash of Belenios.
//!
//! challenge = H(prefix ‖ str(g^w)), response = w - secret·challenge. The prefix must hold the statement.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;

use crate::error::{Result, unproven};
use crate::{hash, point, scalar};

pub fn prove(secret: &Scalar, prefix: &[u8]) -> (Scalar, Scalar) {
    let w = scalar::random();
    let commitment = EdwardsPoint::mul_base(&w);
    let challenge = hash::to_scalar(&[prefix, &point::hex_of(&commitment)]);
    (challenge, *w - secret * challenge)
}

/// g^response · public^challenge: what the prover committed to, if the proof is right.
pub fn commitment(public: &EdwardsPoint, challenge: &Scalar, response: &Scalar) -> EdwardsPoint {
    EdwardsPoint::vartime_double_scalar_mul_basepoint(challenge, public, response)
}

pub fn verify(public: &EdwardsPoint, prefix: &[u8], challenge: &Scalar, response: &Scalar) -> Result<()> {
    let commitment = commitment(public, challenge, response);
    if hash::to_scalar(&[prefix, &point::hex_of(&commitment)]) != *challenge {
        return unproven("the Schnorr proof does not hold");
    }
    Ok(())
}
