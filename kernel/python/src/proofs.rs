//! Single proofs and signatures.
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use rayon::prelude::*;
use veche_core::{cast, dleq, point, rsa, scalar, schnorr};

use crate::error::Result;

#[pyfunction]
pub fn cast_sign(py: Python<'_>, secret: &[u8], prefix: &[u8]) -> Result<[u8; cast::SIZE]> {
    py.detach(|| Ok(cast::sign(&*scalar::decode_secret(secret)?, prefix)))
}

#[pyfunction]
pub fn schnorr_prove(py: Python<'_>, secret: &[u8], prefix: &[u8]) -> Result<([u8; 32], [u8; 32])> {
    py.detach(|| {
        let secret = scalar::decode_secret(secret)?;
        let (challenge, response) = schnorr::prove(&secret, prefix);
        Ok((challenge.to_bytes(), response.to_bytes()))
    })
}

#[pyfunction]
pub fn schnorr_verify(py: Python<'_>, public: &[u8], prefix: &[u8], challenge: &[u8], response: &[u8]) -> Result<()> {
    py.detach(|| {
        let public = point::decode_key(public, "the public key")?;
        Ok(schnorr::verify(&public, prefix, &scalar::decode(challenge)?, &scalar::decode(response)?)?)
    })
}

#[pyfunction]
pub fn decrypt_factor(py: Python<'_>, secret: &[u8], alpha: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| {
        let secret = scalar::decode_secret(secret)?;
        Ok((point::decode(alpha)? * *secret).compress().0)
    })
}

#[pyfunction]
pub fn dleq_prove(
    py: Python<'_>,
    secret: &[u8],
    alpha: &[u8],
    prefix: &[u8],
) -> Result<([u8; 32], [u8; 32], [u8; 32])> {
    py.detach(|| {
        let secret = scalar::decode_secret(secret)?;
        let (factor, challenge, response) = dleq::prove(&secret, &point::decode(alpha)?, prefix);
        Ok((factor.compress().0, challenge.to_bytes(), response.to_bytes()))
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
        let statement = dleq::Statement {
            public: point::decode_key(public, "the public key")?,
            alpha: point::decode(alpha).map_err(|e| e.at("alpha"))?,
            factor: point::decode(factor).map_err(|e| e.at("the factor"))?,
        };
        Ok(dleq::verify(&statement, prefix, &scalar::decode(challenge)?, &scalar::decode(response)?)?)
    })
}

#[pyfunction]
pub fn rsa_pss_verify_many(py: Python<'_>, items: Vec<(PyBackedBytes, PyBackedBytes, PyBackedBytes)>) -> Vec<bool> {
    py.detach(|| {
        items.par_iter().map(|(modulus, message, signature)| rsa::holds(modulus, message, signature)).collect()
    })
}
