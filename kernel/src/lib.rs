//! Group arithmetic, ballot proofs and batch verification for Veche.
use pyo3::prelude::*;

#[pymodule]
fn _veche_kernel(_m: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
