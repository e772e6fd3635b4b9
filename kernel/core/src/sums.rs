//! Running sums of ciphertexts: what a tally is made of.
use rayon::prelude::*;

use crate::checked::{Ciphertexts, decode_checked};
use crate::error::{Result, malformed};
use crate::point;
use crate::vartime::point::{Point, encode_many};

pub struct Sums {
    points: Vec<Point>,
}

impl Sums {
    pub fn new(count: usize) -> Result<Sums> {
        if count > 1 << 20 {
            return malformed(format!("{count} ciphertexts are too many"));
        }
        Ok(Sums { points: vec![Point::IDENTITY; 2 * count] })
    }

    pub fn from_bytes(data: &[u8]) -> Result<Sums> {
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
    }

    /// Nothing is changed where one of the ballots does not fit.
    pub fn add(&mut self, ballots: &[&Ciphertexts]) -> Result<()> {
        self.apply(ballots, false)
    }

    /// As `add`: ballots that a later one replaces.
    pub fn subtract(&mut self, ballots: &[&Ciphertexts]) -> Result<()> {
        self.apply(ballots, true)
    }

    fn apply(&mut self, ballots: &[&Ciphertexts], subtract: bool) -> Result<()> {
        for ballot in ballots {
            self.check(ballot.count())?;
        }
        for ballot in ballots {
            for (sum, point) in self.points.iter_mut().zip(&ballot.points) {
                *sum = if subtract { sum.add(&point.negate()) } else { sum.add(point) };
            }
        }
        Ok(())
    }

    pub fn add_scaled(&mut self, other: &Sums, weight: u64) -> Result<()> {
        self.check(other.points.len() / 2)?;
        for (sum, point) in self.points.iter_mut().zip(&other.points) {
            *sum = sum.add(&point.times(weight).cached());
        }
        Ok(())
    }

    fn check(&self, count: usize) -> Result<()> {
        if 2 * count != self.points.len() {
            return malformed(format!("these sums have {} ciphertexts, not {count}", self.points.len() / 2));
        }
        Ok(())
    }

    /// alpha, beta, alpha, beta, ...
    pub fn encode(&self) -> Vec<[u8; 32]> {
        encode_many(&self.points)
    }

    /// How many ciphertexts are added up side by side.
    pub fn count(&self) -> usize {
        self.points.len() / 2
    }
}
