//! Group arithmetic, ballot proofs and batch verification for Veche: what needs speed or constant time.
//!
//! Read `point` and `scalar` first. The Python side is described in `python/veche_kernel/_veche_kernel.pyi`.
#![deny(unsafe_code)] // with two exceptions, in vartime/product.rs
use pyo3::prelude::*;
use pyo3::types::PyBytes;

mod ballot;
mod batch;
mod cast;
mod checked;
mod columns;
mod decimal;
mod dleq;
mod dlog;
mod election;
mod error;
mod hash;
mod json;
mod point;
mod prove;
mod rsa;
mod scalar;
mod schnorr;
mod shape;
mod sums;
mod transcript;
mod vartime;
mod verify;

#[pymodule]
fn _veche_kernel(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    let order = py
        .import("builtins")?
        .getattr("int")?
        .call_method1("from_bytes", (PyBytes::new(py, &point::ORDER_LE), "little"))?;
    m.add("ORDER", order)?;
    m.add("BASE", PyBytes::new(py, &point::base()))?;
    m.add("IDENTITY", PyBytes::new(py, &point::identity()))?;
    m.add("ProofError", py.get_type::<error::ProofError>())?;
    m.add_class::<election::Election>()?;
    m.add_class::<checked::CheckedBallot>()?;
    m.add_class::<sums::Sums>()?;
    macro_rules! functions {
        ($($path:path),* $(,)?) => { $( m.add_function(wrap_pyfunction!($path, m)?)?; )* };
    }
    functions!(
        point::point_check,
        point::points_check,
        point::point_add,
        point::point_sub,
        point::point_neg,
        point::point_sum,
        point::point_mul,
        point::base_mul,
        point::double_mul_vartime,
        point::msm_vartime,
        scalar::scalar_random,
        scalar::scalar_from_wide,
        scalar::scalar_add,
        scalar::scalar_sub,
        scalar::scalar_mul,
        scalar::scalar_mul_add,
        scalar::scalar_neg,
        scalar::scalar_invert,
        hash::hash_to_scalar,
        cast::cast_sign,
        schnorr::schnorr_prove,
        schnorr::schnorr_verify,
        dleq::dleq_prove,
        dleq::dleq_verify,
        dleq::decrypt_factor,
        dlog::discrete_logs,
        rsa::rsa_pss_verify_many,
    );
    Ok(())
}
