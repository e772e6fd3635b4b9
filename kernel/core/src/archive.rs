//! Ballots of an archive, which nobody checks again: one by one, and added up, with curve25519-dalek alone.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::Identity;

use crate::error::{Error, Failure, Result, Rule, Verdict, malformed};
use crate::parameters::Parameters;
use crate::point;
use crate::verify;

/// A ballot that was checked in Belenios's form.
pub struct ArchiveBallot {
    pub credential: [u8; 32],
    pub tracker: [u8; 32],
    /// alpha, beta, alpha, beta, ...
    points: Vec<EdwardsPoint>,
}

impl ArchiveBallot {
    pub fn verify(parameters: &Parameters, json: &[u8]) -> Result<ArchiveBallot> {
        let ballot = verify::verify_json(parameters, json)?;
        Ok(ArchiveBallot {
            credential: ballot.encodings[0],
            tracker: ballot.derived.tracker,
            points: ballot.points.points[1..1 + 2 * parameters.shape.ciphertexts].to_vec(),
        })
    }

    /// As `verify`. What cannot be read fails by the rule `shape`, anything else by `proofs`.
    pub fn judge(parameters: &Parameters, json: &[u8]) -> Verdict<ArchiveBallot> {
        ArchiveBallot::verify(parameters, json).map_err(|error| {
            let rule = if matches!(error, Error::Malformed(_)) { Rule::Shape } else { Rule::Proofs };
            Failure::of(rule)(error)
        })
    }
}

/// Weighted sums of ciphertexts.
pub struct ArchiveSums {
    points: Vec<EdwardsPoint>,
}

impl ArchiveSums {
    pub fn new(count: usize) -> Result<ArchiveSums> {
        if count > 1 << 20 {
            return malformed(format!("{count} ciphertexts are too many"));
        }
        Ok(ArchiveSums { points: vec![EdwardsPoint::identity(); 2 * count] })
    }

    /// Add `weight` times each ballot. Nothing is changed where one of the ballots does not fit.
    pub fn add(&mut self, ballots: &[&ArchiveBallot], weight: u64) -> Result<()> {
        if let Some(ballot) = ballots.iter().find(|ballot| ballot.points.len() != self.points.len()) {
            let (wanted, found) = (self.points.len() / 2, ballot.points.len() / 2);
            return malformed(format!("these sums have {wanted} ciphertexts, not {found}"));
        }
        for (place, sum) in self.points.iter_mut().enumerate() {
            let added: EdwardsPoint = ballots.iter().map(|ballot| ballot.points[place]).sum();
            *sum += if weight == 1 { added } else { added * Scalar::from(weight) };
        }
        Ok(())
    }

    /// alpha, beta, alpha, beta, ...
    pub fn encode(&self) -> Vec<[u8; 32]> {
        point::encode_many(&self.points)
    }

    pub fn count(&self) -> usize {
        self.points.len() / 2
    }
}
