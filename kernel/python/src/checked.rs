//! Verdicts on ballots.
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use veche_core::checked;
use veche_core::error::{self, Verdict};

/// A ballot's ciphertexts, ready to be added up.
#[pyclass(frozen, subclass, module = "veche_kernel")]
pub struct Ciphertexts(pub checked::Ciphertexts);

#[pymethods]
impl Ciphertexts {
    fn __len__(&self) -> usize {
        self.0.count()
    }
}

/// A ballot that was checked.
#[pyclass(frozen, extends = Ciphertexts, module = "veche_kernel")]
pub struct CheckedBallot {
    credential: [u8; 32],
    tracker: [u8; 32],
}

impl CheckedBallot {
    pub fn wrap(py: Python<'_>, ballot: checked::CheckedBallot) -> PyResult<Py<CheckedBallot>> {
        let checked::CheckedBallot { credential, tracker, ciphertexts } = ballot;
        let base = PyClassInitializer::from(Ciphertexts(ciphertexts));
        Py::new(py, base.add_subclass(CheckedBallot { credential, tracker }))
    }
}

#[pymethods]
impl CheckedBallot {
    #[getter]
    fn credential<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.credential)
    }

    #[getter]
    fn tracker<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.tracker)
    }
}

/// Why a ballot is refused.
#[pyclass(frozen, eq, hash, module = "veche_kernel")]
#[derive(PartialEq, Eq, Hash)]
pub struct Failure(pub error::Failure);

#[pymethods]
impl Failure {
    #[getter]
    fn rule(&self) -> &'static str {
        self.0.rule.name()
    }

    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    fn __repr__(&self) -> String {
        format!("Failure(rule={:?}, reason={:?})", self.rule(), self.reason())
    }
}

/// A list for Python: what holds, or the failure.
pub fn verdicts<'py, T, P>(
    py: Python<'py>,
    verdicts: Vec<Verdict<T>>,
    wrap: impl Fn(Python<'py>, T) -> PyResult<Py<P>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    verdicts
        .into_iter()
        .map(|verdict| match verdict {
            Ok(held) => Ok(wrap(py, held)?.into_bound(py).into_any()),
            Err(failure) => Ok(Bound::new(py, Failure(failure))?.into_any()),
        })
        .collect()
}
