//! Ballots of an archive, and their sums.
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use veche_core::archive;

use crate::error::Result;

#[pyclass(frozen, module = "veche_kernel")]
pub struct ArchiveBallot(pub archive::ArchiveBallot);

#[pymethods]
impl ArchiveBallot {
    #[getter]
    fn credential<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.credential)
    }

    #[getter]
    fn tracker<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.tracker)
    }
}

#[pyclass(module = "veche_kernel")]
pub struct ArchiveSums(archive::ArchiveSums);

#[pymethods]
impl ArchiveSums {
    #[new]
    fn new(count: usize) -> Result<ArchiveSums> {
        Ok(ArchiveSums(archive::ArchiveSums::new(count)?))
    }

    fn add(&mut self, py: Python<'_>, ballots: Vec<Py<ArchiveBallot>>, weight: u64) -> Result<()> {
        py.detach(|| {
            let borrowed: Vec<_> = ballots.iter().map(|ballot| &ballot.get().0).collect();
            Ok(self.0.add(&borrowed, weight)?)
        })
    }

    fn pairs(&self) -> Vec<([u8; 32], [u8; 32])> {
        self.0.encode().chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }

    fn __len__(&self) -> usize {
        self.0.count()
    }
}
