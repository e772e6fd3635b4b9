//! Running sums of ciphertexts: what a tally is made of.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::Identity;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::election::CheckedBallot;
use crate::error::{Result, malformed};
use crate::point;

#[pyclass(module = "veche_kernel")]
pub struct Sums {
    points: Vec<EdwardsPoint>,
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
                if subtract {
                    *sum -= point;
                } else {
                    *sum += point;
                }
            }
        }
        Ok(())
    }

    fn encodings(&self) -> Vec<[u8; 32]> {
        EdwardsPoint::compress_batch_alloc(&self.points).into_iter().map(|encoding| encoding.0).collect()
    }
}

#[pymethods]
impl Sums {
    #[new]
    fn new(count: usize) -> Result<Sums> {
        if count > 1 << 20 {
            return malformed(format!("{count} ciphertexts are too many"));
        }
        Ok(Sums { points: vec![EdwardsPoint::identity(); 2 * count] })
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> Result<Sums> {
        py.detach(|| {
            if !data.len().is_multiple_of(64) {
                return malformed(format!("sums have 64 bytes a ciphertext, which {} is no multiple of", data.len()));
            }
            let decoded: Vec<Result<EdwardsPoint>> = data.par_chunks(32).map(point::decode).collect();
            let points = decoded
                .into_iter()
                .enumerate()
                .map(|(i, r)| r.map_err(|e| e.at(format_args!("point {i}"))))
                .collect::<Result<_>>()?;
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
        let weight = Scalar::from(weight);
        for (sum, point) in self.points.iter_mut().zip(&other.points) {
            *sum += point * weight;
        }
        Ok(())
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, pyo3::types::PyBytes> {
        pyo3::types::PyBytes::new(py, self.encodings().as_flattened())
    }

    fn pairs(&self) -> Vec<([u8; 32], [u8; 32])> {
        self.encodings().chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }

    fn __len__(&self) -> usize {
        self.points.len() / 2
    }
}
