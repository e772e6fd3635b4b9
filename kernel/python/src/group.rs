//! Points and scalars.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use veche_core::error::malformed;
use veche_core::{dlog, hash, point, scalar};
use zeroize::Zeroizing;

use crate::error::Result;

#[pyfunction]
pub fn point_check(py: Python<'_>, point: &[u8]) -> Result<()> {
    py.detach(|| Ok(point::decode(point).map(|_| ())?))
}

#[pyfunction]
pub fn points_check(py: Python<'_>, points: Vec<PyBackedBytes>) -> Result<()> {
    py.detach(|| Ok(point::decode_many(&points).map(|_| ())?))
}

#[pyfunction]
pub fn point_add(py: Python<'_>, a: &[u8], b: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| Ok((point::decode(a)? + point::decode(b)?).compress().0))
}

#[pyfunction]
pub fn point_sub(py: Python<'_>, a: &[u8], b: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| Ok((point::decode(a)? - point::decode(b)?).compress().0))
}

#[pyfunction]
pub fn point_sum(py: Python<'_>, points: Vec<PyBackedBytes>) -> Result<[u8; 32]> {
    py.detach(|| Ok(point::sum(&points)?.compress().0))
}

#[pyfunction]
pub fn point_mul(py: Python<'_>, scalar: &[u8], point: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| {
        let secret = scalar::decode_secret(scalar)?;
        let product = Zeroizing::new(point::decode(point)? * *secret);
        Ok(product.compress().0)
    })
}

#[pyfunction]
pub fn base_mul(py: Python<'_>, scalar: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| Ok(EdwardsPoint::mul_base(&*scalar::decode_secret(scalar)?).compress().0))
}

#[pyfunction]
pub fn sum_of_hashes(py: Python<'_>, records: &[u8], width: usize) -> Result<[u8; 32]> {
    py.detach(|| Ok(hash::sum_of_hashes(records, width)?))
}

#[pyfunction]
pub fn msm_vartime(py: Python<'_>, scalars: Vec<PyBackedBytes>, points: Vec<PyBackedBytes>) -> Result<[u8; 32]> {
    py.detach(|| Ok(point::msm_vartime(&scalars, &points)?.compress().0))
}

#[pyfunction]
pub fn discrete_logs(py: Python<'_>, points: Vec<PyBackedBytes>, bound: u64) -> Result<Vec<u64>> {
    py.detach(|| Ok(dlog::solve(&point::decode_many(&points)?, bound)?))
}

#[pyfunction]
pub fn scalar_random() -> [u8; 32] {
    scalar::random().to_bytes()
}

#[pyfunction]
pub fn scalar_from_wide(wide: &[u8]) -> Result<[u8; 32]> {
    match <&[u8; 64]>::try_from(wide) {
        Ok(array) => Ok(Scalar::from_bytes_mod_order_wide(array).to_bytes()),
        Err(_) => Ok(malformed(format!("a wide scalar has 64 bytes, not {}", wide.len()))?),
    }
}

#[pyfunction]
pub fn scalar_add(a: &[u8], b: &[u8]) -> Result<[u8; 32]> {
    Ok((*scalar::decode_secret(a)? + *scalar::decode_secret(b)?).to_bytes())
}

#[pyfunction]
pub fn scalar_mul_add(a: &[u8], b: &[u8], c: &[u8]) -> Result<[u8; 32]> {
    let (a, b, c) = (scalar::decode_secret(a)?, scalar::decode_secret(b)?, scalar::decode_secret(c)?);
    Ok((*a * *b + *c).to_bytes())
}
