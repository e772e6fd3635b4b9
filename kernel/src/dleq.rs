//! Equality of two discrete logarithms (Chaum and Pedersen, CRYPTO '92): factor = alpha^secret for public = g^secret.
//!
//! challenge = H(prefix ‖ str(g^w),str(alpha^w)), response = w - secret·challenge. What the prefix leaves out of the
//! statement is not bound: see "Decryption" in docs/protocol.md for why each share carries two such proofs.
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use pyo3::prelude::*;
use zeroize::Zeroizing;

use crate::error::{Result, unproven};
use crate::{hash, point, scalar};

#[pyfunction]
pub fn decrypt_factor(py: Python<'_>, secret: &[u8], alpha: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| {
        let secret = scalar::decode_secret(secret)?;
        Ok((point::decode(alpha)? * *secret).compress().0)
    })
}

type Proof = ([u8; 32], [u8; 32], [u8; 32]);

#[pyfunction]
pub fn dleq_prove(py: Python<'_>, secret: &[u8], alpha: &[u8], prefix: &[u8]) -> Result<Proof> {
    py.detach(|| {
        let secret = scalar::decode_secret(secret)?;
        let alpha = point::decode(alpha)?;
        let w = scalar::random();
        let commitments = Zeroizing::new([EdwardsPoint::mul_base(&w), alpha * *w]);
        let challenge = challenge(prefix, &commitments);
        let response = *w - *secret * challenge;
        Ok(((alpha * *secret).compress().0, challenge.to_bytes(), response.to_bytes()))
    })
}

#[pyfunction]
pub fn dleq_verify(
    py: Python<'_>,
    public: &[u8],
    alpha: &[u8],
    factor: &[u8],
    prefix: &[u8],
    challenge: &[u8],
    response: &[u8],
) -> Result<()> {
    py.detach(|| {
        let public = point::decode_key(public, "the public key")?;
        let alpha = point::decode(alpha).map_err(|e| e.at("alpha"))?;
        let factor = point::decode(factor).map_err(|e| e.at("the factor"))?;
        let (c, z) = (scalar::decode(challenge)?, scalar::decode(response)?);
        let commitments = [
            EdwardsPoint::vartime_double_scalar_mul_basepoint(&c, &public, &z),
            EdwardsPoint::vartime_multiscalar_mul([z, c], [alpha, factor]),
        ];
        if self::challenge(prefix, &commitments) != c {
            return unproven("the proof of equal logarithms does not hold");
        }
        Ok(())
    })
}

fn challenge(prefix: &[u8], commitments: &[EdwardsPoint; 2]) -> curve25519_dalek::Scalar {
    let [a, b] = EdwardsPoint::compress_batch(commitments);
    hash::to_scalar(&[prefix, &point::hex(&a.0), b",", &point::hex(&b.0)])
}
