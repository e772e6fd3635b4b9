//! The second sum of a tally: what must come out as `Sums` does, by code that shares nothing with it.
//!
//! `Sums` adds points as a batch has decoded them, with the arithmetic of `vartime`: a mistake there would be in every sum of
//! it. So the ballots are counted again, from the bytes that are in the ledger: the stored points are added up as they are and
//! the sum is multiplied by eight, with fiat-crypto's field and an addition of its own. The square roots, nearly all of the
//! work, are not computed again: that a number is one is seen by squaring it.
use crate::checked::Ciphertexts;
use crate::error::{Result, malformed};
use crate::{point, scalar};

mod curve;
mod field;

use curve::Point;

pub struct Recount {
    /// Sums of stored points: an eighth of what they stand for, but for torsion.
    eighths: Vec<Point>,
}

impl Recount {
    pub fn new(count: usize) -> Result<Recount> {
        if count > 1 << 20 {
            return malformed(format!("{count} ciphertexts are too many"));
        }
        Ok(Recount { eighths: vec![Point::IDENTITY; 2 * count] })
    }

    /// From what `encode` gave, 64 bytes a ciphertext. Every point is checked.
    pub fn from_bytes(data: &[u8]) -> Result<Recount> {
        if !data.len().is_multiple_of(64) {
            return malformed(format!("sums have 64 bytes a ciphertext, which {} is no multiple of", data.len()));
        }
        let eighth = scalar::one_eighth();
        let eighths: Vec<_> = point::decode_many(data.as_chunks::<32>().0)?.iter().map(|sum| sum * eighth).collect();
        let read = |encoding| Point::decode(encoding, None).expect("an encoding of a point of the curve");
        Ok(Recount { eighths: point::encode_many(&eighths).iter().map(read).collect() })
    }

    /// Nothing is changed where one of the ballots does not fit.
    pub fn add(&mut self, ballots: &[&Ciphertexts]) -> Result<()> {
        let total = self.total(ballots)?;
        for (sum, added) in self.eighths.iter_mut().zip(total) {
            *sum = sum.add(&added.addend());
        }
        Ok(())
    }

    /// As `add`: ballots that a later one replaces.
    pub fn subtract(&mut self, ballots: &[&Ciphertexts]) -> Result<()> {
        let total = self.total(ballots)?;
        for (sum, taken) in self.eighths.iter_mut().zip(total) {
            *sum = sum.add(&taken.addend().negate());
        }
        Ok(())
    }

    /// On the caller's thread alone: while a node adds up one batch, the next one is being checked on all cores, and would be
    /// finished first if this waited for one of them.
    fn total(&self, ballots: &[&Ciphertexts]) -> Result<Vec<Point>> {
        let mut total = vec![Point::IDENTITY; self.eighths.len()];
        for ballot in ballots {
            self.check(ballot.count())?;
            for (place, (sum, stored)) in total.iter_mut().zip(&ballot.stored).enumerate() {
                let Some(point) = Point::decode(stored, ballot.hints.get(place)) else {
                    return malformed("a stored point is not a point of the curve");
                };
                *sum = sum.add(&point.addend());
            }
        }
        Ok(total)
    }

    pub fn add_scaled(&mut self, other: &Recount, weight: u64) -> Result<()> {
        self.check(other.eighths.len() / 2)?;
        for (sum, point) in self.eighths.iter_mut().zip(&other.eighths) {
            *sum = sum.add(&point.times(weight).addend());
        }
        Ok(())
    }

    fn check(&self, count: usize) -> Result<()> {
        if 2 * count != self.eighths.len() {
            return malformed(format!("these sums have {} ciphertexts, not {count}", self.eighths.len() / 2));
        }
        Ok(())
    }

    /// The sums themselves: alpha, beta, alpha, beta, ...
    pub fn encode(&self) -> Vec<[u8; 32]> {
        self.eighths.iter().map(|eighth| eighth.double().double().double().encode()).collect()
    }

    pub fn count(&self) -> usize {
        self.eighths.len() / 2
    }
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::EdwardsPoint;

    use super::*;
    use crate::vartime::decode;

    fn stored(count: usize) -> Vec<[u8; 32]> {
        let points = (0..count).map(|i| EdwardsPoint::mul_base(&scalar::random()) + EIGHT_TORSION[i % 8]);
        points.map(|point| point.compress().0).collect()
    }

    fn ballot(stored: &[[u8; 32]], hints: Vec<[u8; 32]>) -> Ciphertexts {
        Ciphertexts { points: Vec::new(), stored: stored.to_vec(), hints }
    }

    fn expected(stored: &[[u8; 32]]) -> Vec<[u8; 32]> {
        stored.iter().map(|encoding| point::decode_eighth(encoding).unwrap().compress().0).collect()
    }

    fn recounted(ballot: &Ciphertexts) -> Result<Vec<[u8; 32]>> {
        let mut recount = Recount::new(ballot.count())?;
        recount.add(&[ballot])?;
        Ok(recount.encode())
    }

    /// The x of each, as the other code finds it.
    fn hints(stored: &[[u8; 32]]) -> Vec<[u8; 32]> {
        stored.iter().map(|encoding| decode::decode([encoding; 4]).0.x()[0]).collect()
    }

    #[test]
    fn no_hint_is_believed() {
        let stored = stored(16);
        let right = hints(&stored);
        let negated = |x: &[u8; 32]| field::Tight::from_bytes(x).negate().to_bytes();
        let wrong: [Vec<[u8; 32]>; 7] = [
            Vec::new(),
            right[..5].to_vec(),
            right.iter().map(negated).collect(),
            right.iter().cycle().skip(1).take(16).copied().collect(),
            vec![[0; 32]; 16],
            vec![[0xff; 32]; 16],
            right.iter().map(|x| x.map(|byte| byte ^ 4)).collect(),
        ];
        assert_eq!(recounted(&ballot(&stored, right)).unwrap(), expected(&stored));
        for hints in wrong {
            assert_eq!(recounted(&ballot(&stored, hints)).unwrap(), expected(&stored));
        }
    }

    #[test]
    fn torsion_and_the_identity() {
        let torsion: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().0).collect();
        let identities = vec![point::identity(); 8];
        for hints in [Vec::new(), hints(&torsion)] {
            assert_eq!(recounted(&ballot(&torsion, hints)).unwrap(), identities);
        }
    }

    #[test]
    fn what_is_no_point_is_refused_whatever_the_hint() {
        let mut strings = vec![[0u8; 32]; 400];
        getrandom::fill(strings.as_flattened_mut()).unwrap();
        let mut off = 0;
        for string in strings {
            let pair = [string, point::identity()];
            let verdict = recounted(&ballot(&pair, vec![string; 2]));
            match point::decode_eighth(&string) {
                Ok(eight) => assert_eq!(verdict.unwrap()[0], eight.compress().0),
                Err(_) => {
                    off += 1;
                    assert!(verdict.is_err());
                }
            }
        }
        assert!(off > 100);
    }

    #[test]
    fn adding_equal_and_opposite_points() {
        let encoding = stored(1)[0];
        let point = Point::decode(&encoding, None).unwrap();
        let dalek = point::decode_any_order(&encoding).unwrap();
        let twice = point.add(&point.addend());
        assert_eq!(twice.encode(), (dalek + dalek).compress().0);
        assert_eq!(twice.encode(), point.double().encode());
        assert_eq!(point.add(&point.addend().negate()).encode(), point::identity());
        assert_eq!(twice.add(&point.addend().negate()).encode(), encoding);
        assert_eq!(point.times(0).encode(), point::identity());
        assert_eq!(point.times(u64::MAX).encode(), (dalek * curve25519_dalek::Scalar::from(u64::MAX)).compress().0);
    }
}
