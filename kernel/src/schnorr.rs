//! Schnorr proofs: knowledge of a discrete logarithm, made non-interactive with the hash of Belenios.
//!
//! challenge = H(prefix ‖ str(g^w)), response = w - secret·challenge. The prefix must hold the statement.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use pyo3::prelude::*;

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

pub fn holds(public: &EdwardsPoint, prefix: &[u8], challenge: &Scalar, response: &Scalar) -> bool {
    let commitment = commitment(public, challenge, response);
    hash::to_scalar(&[prefix, &point::hex_of(&commitment)]) == *challenge
}

#[pyfunction]
pub fn schnorr_prove(py: Python<'_>, secret: &[u8], prefix: &[u8]) -> Result<([u8; 32], [u8; 32])> {
    py.detach(|| {
        let secret = scalar::decode_secret(secret)?;
        let (challenge, response) = prove(&secret, prefix);
        Ok((challenge.to_bytes(), response.to_bytes()))
    })
}

#[pyfunction]
pub fn schnorr_verify(py: Python<'_>, public: &[u8], prefix: &[u8], challenge: &[u8], response: &[u8]) -> Result<()> {
    py.detach(|| {
        let public = point::decode_key(public, "the public key")?;
        if !holds(&public, prefix, &scalar::decode(challenge)?, &scalar::decode(response)?) {
            return unproven("the Schnorr proof does not hold");
        }
        Ok(())
    })
}
