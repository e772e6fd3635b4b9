//! Ballots as the ledger has them: entries, read and checked.
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use veche_core::checker::{Checker, Credential, PermitRules};
use veche_core::codec;
use veche_core::entry::{self, Entry};

use crate::checked::{CheckedBallot, Failure, verdicts};
use crate::election::Election;
use crate::error::Result;

#[pyclass(frozen, module = "veche_kernel")]
pub struct BallotEntry {
    data: Py<PyBytes>,
    entry: Entry<PyBackedBytes>,
}

#[pymethods]
impl BallotEntry {
    #[getter]
    fn data(&self, py: Python<'_>) -> Py<PyBytes> {
        self.data.clone_ref(py)
    }

    #[getter]
    fn poll<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.entry.poll())
    }

    #[getter]
    fn group(&self) -> u64 {
        self.entry.group
    }

    #[getter]
    fn ballot<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.entry.ballot())
    }

    #[getter]
    fn permits<'py>(&self, py: Python<'py>) -> Vec<(u64, Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let bytes = |bytes| PyBytes::new(py, bytes);
        self.entry.permits().map(|permit| (permit.registrar, bytes(permit.prefix), bytes(permit.signature))).collect()
    }

    #[getter]
    fn registrars(&self) -> Vec<u64> {
        self.entry.permits().map(|permit| permit.registrar).collect()
    }

    #[getter]
    fn turn(&self) -> u64 {
        self.entry.turn
    }

    #[getter]
    fn cast<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.entry.cast())
    }
}

#[pyfunction]
pub fn read_ballots<'py>(
    py: Python<'py>,
    entries: Vec<Bound<'py, PyBytes>>,
) -> PyResult<Vec<Option<Bound<'py, PyAny>>>> {
    let borrowed: Vec<PyBackedBytes> = entries.iter().cloned().map(PyBackedBytes::from).collect();
    let read = py.detach(|| {
        borrowed.into_iter().map(|data| entry::is_ballot(&data).then(|| Entry::read(data))).collect::<Vec<_>>()
    });
    let wrap = |(data, read): (Bound<'py, PyBytes>, Option<_>)| match read {
        None => Ok(None),
        Some(Ok(entry)) => Ok(Some(Bound::new(py, BallotEntry { data: data.unbind(), entry })?.into_any())),
        Some(Err(failure)) => Ok(Some(Bound::new(py, Failure(failure))?.into_any())),
    };
    entries.into_iter().zip(read).map(wrap).collect()
}

#[pyfunction]
pub fn outline<'py>(py: Python<'py>, entry: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match codec::outline(entry) {
        Ok(begins) => Ok(begins.into_pyobject(py)?.into_any()),
        Err(failure) => Ok(Bound::new(py, Failure(failure))?.into_any()),
    }
}

#[pyclass(frozen, module = "veche_kernel")]
pub struct IdentifiedBallot {
    entry: Py<BallotEntry>,
    credential: Credential,
}

#[pymethods]
impl IdentifiedBallot {
    #[getter]
    fn entry(&self, py: Python<'_>) -> Py<BallotEntry> {
        self.entry.clone_ref(py)
    }

    #[getter]
    fn credential<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.credential.encoding)
    }
}

#[pyclass(frozen, module = "veche_kernel")]
pub struct BallotChecker(Checker);

#[pymethods]
impl BallotChecker {
    #[new]
    fn new(
        election: &Bound<'_, Election>,
        poll: &[u8],
        moduli: Vec<Vec<PyBackedBytes>>,
        k: usize,
        sources: Vec<u64>,
        wanted_sources: usize,
    ) -> Result<BallotChecker> {
        let moduli = moduli.iter().map(|groups| groups.iter().map(|modulus| modulus.to_vec()).collect()).collect();
        let rules = PermitRules { moduli, k, sources, wanted_sources };
        Ok(BallotChecker(Checker::new(election.get().parameters.clone(), poll, rules)?))
    }

    fn identify<'py>(&self, py: Python<'py>, entries: Vec<Py<BallotEntry>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let identified = py.detach(|| {
            let borrowed: Vec<_> = entries.iter().map(|entry| &entry.get().entry).collect();
            self.0.identify(&borrowed)
        });
        let mut entries = entries.into_iter();
        let identified = identified.into_iter().map(|verdict| {
            let entry = entries.next().expect("one for each");
            verdict.map(|credential| IdentifiedBallot { entry, credential })
        });
        verdicts(py, identified.collect(), Py::new)
    }

    fn check<'py>(&self, py: Python<'py>, ballots: Vec<Py<IdentifiedBallot>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let checked = py.detach(|| {
            let ballots = ballots.iter().map(|ballot| ballot.get());
            let borrowed: Vec<_> = ballots.map(|ballot| (&ballot.entry.get().entry, ballot.credential)).collect();
            self.0.check(&borrowed)
        });
        verdicts(py, checked, CheckedBallot::wrap)
    }

    fn check_one<'py>(&self, py: Python<'py>, entry: &Bound<'py, BallotEntry>) -> PyResult<Bound<'py, PyAny>> {
        let entry = &entry.get().entry;
        let checked = py.detach(|| self.0.check_one(entry));
        Ok(verdicts(py, vec![checked], CheckedBallot::wrap)?.remove(0))
    }
}
