//! Permits: RSA signatures (RSASSA-PSS, SHA-384, salt of 48 bytes, e = 65537), many at once on all cores.
//!
//! RFC 9474 names the scheme RSABSSA-SHA384-PSS; to whoever checks, a blind signature is an ordinary one (RFC 8017).
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use rayon::prelude::*;
use ring::signature::{RSA_PSS_2048_8192_SHA384, RsaPublicKeyComponents};

const EXPONENT: [u8; 3] = [1, 0, 1];

/// A malformed modulus (leading zero, even, under 2048 or over 8192 bits) makes every signature false.
#[pyfunction]
pub fn rsa_pss_verify_many(py: Python<'_>, items: Vec<(PyBackedBytes, PyBackedBytes, PyBackedBytes)>) -> Vec<bool> {
    py.detach(|| {
        items
            .par_iter()
            .map(|(modulus, message, signature)| {
                RsaPublicKeyComponents { n: &modulus[..], e: &EXPONENT[..] }
                    .verify(&RSA_PSS_2048_8192_SHA384, message, signature)
                    .is_ok()
            })
            .collect()
    })
}
