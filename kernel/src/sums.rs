//! Running sums of ciphertexts: what a tally is made of.
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::checked::{CheckedBallot, decode_checked};
use crate::error::{Result, malformed};
use crate::point;
use crate::vartime::point::{Point, encode_many};

#[pyclass(module = "veche_kernel")]
pub struct Sums {
    points: Vec<Point>,
}

impl Sums {
    fn check(&self, count: usize) -> Result<()> {
        if 2 * count != self.points.len() {
            return malformed(format!("these sums have {} ciphertexts, not {count}", self.points.len() / 2));
        }
        Ok(())
    }

    /// Nothing is changed where one of the ballots does not fit.
    fn apply(&mut self, ballots: &[Py<CheckedBallot>], subtract: bool) -> Result<()> {
        for ballot in ballots {
            self.check(ballot.get().ciphertexts.len() / 2)?;
        }
        for ballot in ballots {
            for (sum, point) in self.points.iter_mut().zip(&ballot.get().ciphertexts) {
                *sum = if subtract { sum.add(&point.negate()) } else { sum.add(point) };
            }
        }
        Ok(())
    }
}

#[pymethods]
impl Sums {
    #[new]
    fn new(count: usize) -> Result<Sums> {
        if count > 1 << 20 {
            return malformed(format!("{count} ciphertexts are too many"));
        }
        Ok(Sums { points: vec![Point::IDENTITY; 2 * count] })
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> Result<Sums> {
        py.detach(|| {
            if !data.len().is_multiple_of(64) {
                return malformed(format!("sums have 64 bytes a ciphertext, which {} is no multiple of", data.len()));
            }
            let encodings = data.as_chunks::<32>().0;
            let checked: Vec<Result<_>> = encodings.par_iter().map(|encoding| point::decode(encoding)).collect();
            for (i, result) in checked.into_iter().enumerate() {
                result.map_err(|e| e.at(format_args!("point {i}")))?;
            }
            let points = decode_checked(encodings).iter().map(|point| Point::IDENTITY.add(point)).collect();
            Ok(Sums { points })
        })
    }

    fn add(&mut self, py: Python<'_>, ballots: Vec<Py<CheckedBallot>>) -> Result<()> {
        py.detach(|| self.apply(&ballots, false))
    }

    fn subtract(&mut self, py: Python<'_>, ballots: Vec<Py<CheckedBallot>>) -> Result<()> {
        py.detach(|| self.apply(&ballots, true))
    }

    fn add_scaled(&mut self, other: &Sums, weight: u64) -> Result<()> {
        self.check(other.points.len() / 2)?;
        for (sum, point) in self.points.iter_mut().zip(&other.points) {
            *sum = sum.add(&point.times(weight).cached());
        }
        Ok(())
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, pyo3::types::PyBytes> {
        pyo3::types::PyBytes::new(py, encode_many(&self.points).as_flattened())
    }

    fn pairs(&self) -> Vec<([u8; 32], [u8; 32])> {
        encode_many(&self.points).chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }

    fn __len__(&self) -> usize {
        self.points.len() / 2
    }
}
