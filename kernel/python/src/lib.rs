//! The bridge from Python to veche-core: conversions, and nothing that a verdict depends on.
//!
//! What each name does is said in `veche_kernel/_veche_kernel.pyi`.
#![forbid(unsafe_code)]
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use veche_core::point;

mod archive;
mod ballots;
mod checked;
mod election;
mod error;
mod group;
mod proofs;
mod sums;

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
    m.add_class::<archive::ArchiveBallot>()?;
    m.add_class::<archive::ArchiveSums>()?;
    m.add_class::<ballots::BallotChecker>()?;
    m.add_class::<ballots::BallotEntry>()?;
    m.add_class::<ballots::IdentifiedBallot>()?;
    m.add_class::<checked::CheckedBallot>()?;
    m.add_class::<checked::Ciphertexts>()?;
    m.add_class::<checked::Failure>()?;
    m.add_class::<election::Election>()?;
    m.add_class::<sums::Recount>()?;
    m.add_class::<sums::Sums>()?;
    macro_rules! functions {
        ($($path:path),* $(,)?) => { $( m.add_function(wrap_pyfunction!($path, m)?)?; )* };
    }
    functions!(
        group::point_check,
        group::points_check,
        group::point_add,
        group::point_sub,
        group::point_sum,
        group::point_mul,
        group::base_mul,
        group::msm_vartime,
        group::sum_of_hashes,
        group::scalar_random,
        group::scalar_from_wide,
        group::scalar_add,
        group::scalar_mul_add,
        proofs::cast_sign,
        proofs::schnorr_prove,
        proofs::schnorr_verify,
        proofs::dleq_prove,
        proofs::dleq_verify,
        proofs::decrypt_factor,
        group::discrete_logs,
        proofs::rsa_pss_verify_many,
        ballots::outline,
        ballots::read_ballots,
    );
    Ok(())
}
