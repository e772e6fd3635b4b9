//! Equality of two discrete logarithms (Chaum and Pedersen, CRYPTO '92): factor = alpha^secret for public = g^secret.
//!
//! challenge = H(prefix ‖ str(g^w),str(alpha^w)), response = w - secret·challenge. What the prefix leaves out of the
//! statement is not bound: see "Decryption" in docs/protocol.md for why each share carries two such proofs.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use zeroize::Zeroizing;

use crate::error::{Result, unproven};
use crate::{hash, point, scalar};

/// alpha^secret, and that it is: (factor, challenge, response).
pub fn prove(secret: &Scalar, alpha: &EdwardsPoint, prefix: &[u8]) -> (EdwardsPoint, Scalar, Scalar) {
    let w = scalar::random();
    let commitments = Zeroizing::new([EdwardsPoint::mul_base(&w), alpha * *w]);
    let challenge = challenge(prefix, &commitments);
    (alpha * secret, challenge, *w - secret * challenge)
}

/// What a proof speaks of: log_g(public) = log_alpha(factor).
pub struct Statement {
    pub public: EdwardsPoint,
    pub alpha: EdwardsPoint,
    pub factor: EdwardsPoint,
}

pub fn verify(statement: &Statement, prefix: &[u8], c: &Scalar, z: &Scalar) -> Result<()> {
    let commitments = [
        EdwardsPoint::vartime_double_scalar_mul_basepoint(c, &statement.public, z),
        EdwardsPoint::vartime_multiscalar_mul([z, c], [statement.alpha, statement.factor]),
    ];
    if challenge(prefix, &commitments) != *c {
        return unproven("the proof of equal logarithms does not hold");
    }
    Ok(())
}

fn challenge(prefix: &[u8], commitments: &[EdwardsPoint; 2]) -> Scalar {
    let [a, b] = EdwardsPoint::compress_batch(commitments);
    hash::to_scalar(&[prefix, &point::hex(&a.0), b",", &point::hex(&b.0)])
}
