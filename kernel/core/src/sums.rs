//! Running sums of ciphertexts: what a tally is made of.
use rayon::prelude::*;

use crate::checked::{Ciphertexts, decode_checked};
use crate::error::{Result, malformed};
use crate::point;
use crate::vartime::point::{Cached, Point, add_each, add_each_times, encode_many, sub_each};

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
        let mut points = vec![Point::IDENTITY; encodings.len()];
        add_each(&mut points, &decode_checked(encodings));
        Ok(Sums { points })
    }

    /// Nothing is changed where one of the ballots does not fit.
    pub fn add(&mut self, ballots: &[&Ciphertexts]) -> Result<()> {
        self.apply(ballots, add_each)
    }

    /// As `add`: ballots that a later one replaces.
    pub fn subtract(&mut self, ballots: &[&Ciphertexts]) -> Result<()> {
        self.apply(ballots, sub_each)
    }

    fn apply(&mut self, ballots: &[&Ciphertexts], change: fn(&mut [Point], &[Cached])) -> Result<()> {
        for ballot in ballots {
            self.check(ballot.count())?;
        }
        for ballot in ballots {
            change(&mut self.points, &ballot.points);
        }
        Ok(())
    }

    pub fn add_scaled(&mut self, other: &Sums, weight: u64) -> Result<()> {
        self.check(other.points.len() / 2)?;
        add_each_times(&mut self.points, &other.points, weight);
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
