//! Errors of the core as Python's exceptions.
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use veche_core::error::Error;

create_exception!(
    veche_kernel,
    ProofError,
    PyValueError,
    "A proof that does not hold: the input is well formed, but what it claims is not so."
);

/// An error on its way to Python: `ValueError` where something is malformed, `ProofError` where it does not hold.
pub struct Raised(Error);

pub type Result<T> = std::result::Result<T, Raised>;

impl From<Error> for Raised {
    fn from(error: Error) -> Raised {
        Raised(error)
    }
}

impl From<Raised> for PyErr {
    fn from(raised: Raised) -> PyErr {
        match raised.0 {
            Error::Malformed(reason) => PyValueError::new_err(reason),
            Error::Proof(reason) => ProofError::new_err(reason),
        }
    }
}
