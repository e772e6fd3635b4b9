//! Checking many ballots at once: one random linear combination of all equations (Bellare, Garay, Rabin 1998).
//!
//! Points are stored divided by eight, and the combination is multiplied by eight, so that nothing outside the prime-order
//! subgroup can be in it: a batch in which an equation fails passes with a chance of 2^-128. A batch that fails is divided
//! down to single ballots. Whatever does not pass here, for any reason, `checker` checks again exactly, by other code: so no
//! verdict depends on a ballot's neighbours, and all reasons come from one place.
use std::ops::Range;

use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;

use crate::ballot;
use crate::cast;
use crate::checked::{self, CheckedBallot, Ciphertexts};
use crate::columns;
use crate::parameters::Parameters;
use crate::point;
use crate::scalar;
use crate::shape::Target;
use crate::vartime::msm;
use crate::vartime::point::Cached;
use crate::verify::{self, Derived};

/// Ballots in one combination: enough for the buckets to pay, few enough to stay near the processor.
pub const LARGEST_CHUNK: usize = 512;

/// Into how many parts a range that fails is divided.
const PARTS: usize = 8;
/// Parts of fewer ballots are not worth a combination.
const SMALLEST: usize = 4;

/// Whose a ballot is: a point of the group that is not the identity.
#[derive(Clone, Copy)]
pub struct Credential {
    pub encoding: [u8; 32],
    eighth: Cached,
}

/// The credentials of packed ballots of the right size; None where there is none.
pub fn credentials(packed: &[&[u8]]) -> Vec<Option<Credential>> {
    let rows: Vec<[&[u8; 32]; 1]> = packed.iter().map(|packed| [chunk(packed, 0)]).collect();
    let read = columns::decode(&rows, &[], 0..0).into_iter().map(|row| {
        let row = row?;
        let credential = Credential { encoding: row.encodings[0], eighth: row.eighths[0] };
        (credential.encoding != point::identity()).then_some(credential)
    });
    read.collect()
}

/// A ballot as it was cast.
pub struct Item<'a> {
    pub packed: &'a [u8],
    pub credential: Credential,
    pub cast_prefix: &'a [u8],
    pub cast_signature: &'a [u8],
}

/// A cast signature ready for a combination.
struct Signed {
    /// Of the ballot among the items.
    place: usize,
    /// Divided by eight.
    commitment: Cached,
    challenge: Scalar,
    response: Scalar,
}

fn read_casts(parameters: &Parameters, items: &[Item]) -> Vec<Signed> {
    let mut rows: Vec<[&[u8; 32]; 1]> = Vec::with_capacity(items.len());
    let mut places = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let sized = item.packed.len() == parameters.shape.size && item.cast_signature.len() == cast::SIZE;
        if sized && let Ok(response) = scalar::decode(&item.cast_signature[32..]) {
            rows.push([chunk(item.cast_signature, 0)]);
            places.push((place, response));
        }
    }
    let decoded = columns::decode(&rows, &[], 0..0);
    let signed = places.into_iter().zip(decoded).filter_map(|((place, response), row)| {
        let challenge = cast::challenge(items[place].cast_prefix, chunk(items[place].cast_signature, 0));
        Some(Signed { place, commitment: row?.eighths[0], challenge, response })
    });
    signed.collect()
}

fn chunk(bytes: &[u8], offset: usize) -> &[u8; 32] {
    bytes[offset..].first_chunk().expect("the size was checked")
}

/// The places of those whose cast signature holds.
pub fn check_casts(parameters: &Parameters, items: &[Item]) -> Vec<usize> {
    let signed = read_casts(parameters, items);
    let combine = |range: Range<usize>| {
        let mut sum = Combination::with_capacity(2 * range.len());
        for (cast, r) in signed[range.clone()].iter().zip(coefficients(range.len())) {
            // z g + c cred - R = 0
            sum.base += r * cast.response;
            sum.add(r * cast.challenge, items[cast.place].credential.eighth);
            sum.add(r, cast.commitment.negate());
        }
        sum.vanishes(&EdwardsPoint::default())
    };
    let holds = divide(signed.len(), &combine);
    signed.into_iter().zip(holds).filter_map(|(cast, holds)| holds.then_some(cast.place)).collect()
}

/// A ballot ready for a combination, and its place among the items.
struct Ballot {
    place: usize,
    /// Numbered as in `Shape`, divided by eight.
    points: Vec<Cached>,
    derived: Derived,
    checked: CheckedBallot,
}

fn read_ballots(parameters: &Parameters, items: &[Item], places: &[usize]) -> Vec<Ballot> {
    let shape = &parameters.shape;
    let mut rows: Vec<Vec<&[u8; 32]>> = Vec::with_capacity(places.len());
    let mut rest = Vec::with_capacity(places.len());
    for &place in places {
        let packed = items[place].packed;
        if let Ok(scalars) = ballot::scalars(shape, packed) {
            rows.push(shape.point_offsets[1..].iter().map(|&offset| chunk(packed, offset)).collect());
            rest.push((place, scalars));
        }
    }
    // The credential is decoded already, so a row's columns are the points from number 1.
    let sums: Vec<Vec<usize>> = shape
        .parts
        .iter()
        .flat_map(|part| [0, 1].map(|beta| part.summed.clone().map(|i| shape.alpha(i) - 1 + beta).collect()))
        .collect();
    let decoded = columns::decode(&rows, &sums, 0..2 * shape.ciphertexts);
    let ballots = rest.into_iter().zip(decoded).filter_map(|((place, scalars), row)| {
        let row = row?;
        let credential = items[place].credential;
        let mut points = Vec::with_capacity(shape.points());
        points.push(credential.eighth);
        points.extend(row.eighths);
        let mut encodings = Vec::with_capacity(1 + row.encodings.len());
        encodings.push(credential.encoding);
        encodings.extend(row.encodings);
        let (derived, _) = verify::derive(parameters, &encodings, scalars);
        let stored = checked::stored(shape, items[place].packed);
        let ciphertexts = Ciphertexts { points: row.kept, stored, hints: row.hints };
        let checked = CheckedBallot { credential: encodings[0], tracker: derived.tracker, ciphertexts };
        Some(Ballot { place, points, derived, checked })
    });
    ballots.collect()
}

/// Those at `places` whose proofs hold, with their places.
pub fn check_proofs(parameters: &Parameters, items: &[Item], places: &[usize]) -> Vec<(usize, CheckedBallot)> {
    let ballots = read_ballots(parameters, items, places);
    let combine = |range: Range<usize>| {
        let mut sum = Combination::with_capacity(range.len() * parameters.shape.points());
        for ballot in &ballots[range] {
            add_equations(parameters, ballot, &mut sum);
        }
        sum.vanishes(&parameters.key)
    };
    let holds = divide(ballots.len(), &combine);
    ballots
        .into_iter()
        .zip(holds)
        .filter_map(|(ballot, holds)| holds.then_some((ballot.place, ballot.checked)))
        .collect()
}

/// For each branch z g + c alpha - A = 0 and z y + c (beta - M g) - B = 0; for the signature z g + c cred - R = 0.
fn add_equations(parameters: &Parameters, ballot: &Ballot, sum: &mut Combination) {
    let shape = &parameters.shape;
    let scalars = &ballot.derived.scalars;
    let mut random = coefficients(2 * shape.branches.len() + 1).into_iter();
    let mut next = || random.next().expect("one for each equation");
    let mut ciphertexts = vec![[Scalar::ZERO; 2]; shape.ciphertexts];
    let mut sums = vec![[Scalar::ZERO; 2]; shape.parts.len()];
    for (number, branch) in shape.branches.iter().enumerate() {
        let (r, s) = (next(), next());
        let (c, z) = (&scalars.challenges[number], &scalars.responses[number]);
        let sc = s * c;
        sum.base += r * z - sc * Scalar::from(branch.value);
        sum.key += s * z;
        let target = match branch.target {
            Target::Ciphertext(i) => &mut ciphertexts[i],
            Target::Sum(question) => &mut sums[question],
        };
        target[0] += r * c;
        target[1] += sc;
        let at = shape.commitment(number);
        sum.add(r, ballot.points[at].negate());
        sum.add(s, ballot.points[at + 1].negate());
    }
    for (part, [alpha, beta]) in shape.parts.iter().zip(sums) {
        for ciphertext in &mut ciphertexts[part.summed.clone()] {
            ciphertext[0] += alpha;
            ciphertext[1] += beta;
        }
    }
    for (i, [alpha, beta]) in ciphertexts.into_iter().enumerate() {
        let at = shape.alpha(i);
        sum.add(alpha, ballot.points[at]);
        sum.add(beta, ballot.points[at + 1]);
    }
    let r = next();
    sum.base += r * scalars.signature_response;
    sum.add(r * ballot.derived.signature_challenge, ballot.points[0]);
    sum.add(r, ballot.points[shape.signature_commitment()].negate());
}

/// A sum of multiples of points that should be the identity. Negated points rather than coefficients, to keep those short.
struct Combination {
    /// What the base point and the election's key are multiplied by.
    base: Scalar,
    key: Scalar,
    scalars: Vec<Scalar>,
    eighths: Vec<Cached>,
}

impl Combination {
    fn with_capacity(capacity: usize) -> Combination {
        let (scalars, eighths) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
        Combination { base: Scalar::ZERO, key: Scalar::ZERO, scalars, eighths }
    }

    fn add(&mut self, scalar: Scalar, eighth: Cached) {
        self.scalars.push(scalar);
        self.eighths.push(eighth);
    }

    /// Times eight: that leaves nothing of any torsion in what was stored.
    fn vanishes(self, key: &EdwardsPoint) -> bool {
        let stored = msm::sum(&self.scalars, &self.eighths).eight_times();
        let others = EdwardsPoint::vartime_double_scalar_mul_basepoint(&self.key, key, &self.base);
        stored.encode() == (-others).compress().0
    }
}

/// Coefficients of 128 bits from the operating system: an equation that fails goes unseen with a chance of 2^-128.
fn coefficients(count: usize) -> Vec<Scalar> {
    let mut bytes = vec![0u8; 16 * count];
    getrandom::fill(&mut bytes).expect("the operating system gives no randomness");
    bytes.chunks_exact(16).map(|chunk| Scalar::from(u128::from_le_bytes(chunk.try_into().expect("16 bytes")))).collect()
}

/// Which of `count` items hold, where `combined` says whether a range holds as a whole.
///
/// A range that fails is divided in `PARTS`, not two: one bad ballot among many costs the same, many bad ones far less. At the
/// end it is dearer to divide on than to check exactly, which is what becomes of all that are not said to hold here.
fn divide(count: usize, combined: &impl Fn(Range<usize>) -> bool) -> Vec<bool> {
    fn descend(range: Range<usize>, combined: &impl Fn(Range<usize>) -> bool, holds: &mut [bool]) {
        if combined(range.clone()) {
            holds[range].fill(true);
        } else if range.len() > PARTS {
            let part = range.len().div_ceil(PARTS);
            for start in range.clone().step_by(part) {
                let part = start..range.end.min(start + part);
                if part.len() >= SMALLEST {
                    descend(part, combined, holds);
                }
            }
        }
    }
    let mut holds = vec![false; count];
    if count > 0 {
        descend(0..count, combined, &mut holds);
    }
    holds
}

#[cfg(test)]
mod tests;
