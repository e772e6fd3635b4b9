//! The two sums of a tally.
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use veche_core::{checked, recount, sums};

use crate::checked::Ciphertexts;
use crate::error::Result;

#[pyclass(module = "veche_kernel")]
pub struct Sums(sums::Sums);

fn borrowed(ballots: &[Py<Ciphertexts>]) -> Vec<&checked::Ciphertexts> {
    ballots.iter().map(|ballot| &ballot.get().0).collect()
}

#[pymethods]
impl Sums {
    #[new]
    fn new(count: usize) -> Result<Sums> {
        Ok(Sums(sums::Sums::new(count)?))
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> Result<Sums> {
        py.detach(|| Ok(Sums(sums::Sums::from_bytes(data)?)))
    }

    fn add(&mut self, py: Python<'_>, ballots: Vec<Py<Ciphertexts>>) -> Result<()> {
        py.detach(|| Ok(self.0.add(&borrowed(&ballots))?))
    }

    fn subtract(&mut self, py: Python<'_>, ballots: Vec<Py<Ciphertexts>>) -> Result<()> {
        py.detach(|| Ok(self.0.subtract(&borrowed(&ballots))?))
    }

    fn add_scaled(&mut self, other: &Sums, weight: u64) -> Result<()> {
        Ok(self.0.add_scaled(&other.0, weight)?)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.encode().as_flattened())
    }

    fn pairs(&self) -> Vec<([u8; 32], [u8; 32])> {
        self.0.encode().chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }

    fn __len__(&self) -> usize {
        self.0.count()
    }
}

#[pyclass(module = "veche_kernel")]
pub struct Recount(recount::Recount);

#[pymethods]
impl Recount {
    #[new]
    fn new(count: usize) -> Result<Recount> {
        Ok(Recount(recount::Recount::new(count)?))
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> Result<Recount> {
        py.detach(|| Ok(Recount(recount::Recount::from_bytes(data)?)))
    }

    fn add(&mut self, py: Python<'_>, ballots: Vec<Py<Ciphertexts>>) -> Result<()> {
        py.detach(|| Ok(self.0.add(&borrowed(&ballots))?))
    }

    fn subtract(&mut self, py: Python<'_>, ballots: Vec<Py<Ciphertexts>>) -> Result<()> {
        py.detach(|| Ok(self.0.subtract(&borrowed(&ballots))?))
    }

    fn add_scaled(&mut self, other: &Recount, weight: u64) -> Result<()> {
        Ok(self.0.add_scaled(&other.0, weight)?)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.encode().as_flattened())
    }

    fn __len__(&self) -> usize {
        self.0.count()
    }
}
