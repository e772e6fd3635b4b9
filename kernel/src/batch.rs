//! Checking many ballots at once: one random linear combination of all equations (Bellare, Garay, Rabin 1998).
//!
//! Points are multiplied by eight on reading, so all are in the prime-order subgroup and a batch in which an equation
//! fails passes with a chance of 2^-128. A batch that fails is halved down to single ballots, which are checked exactly:
//! the verdict on a ballot never depends on its neighbours.
use std::ops::Range;

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use rayon::prelude::*;

use crate::ballot;
use crate::cast::{self, Cast};
use crate::election::Parameters;
use crate::error::Result;
use crate::shape::Target;
use crate::verify::{self, Derived};

/// Ballots in one combination: enough for the buckets to pay, few enough to stay near the processor.
const LARGEST_CHUNK: usize = 512;

/// A ballot as it was cast.
pub struct Item<'a> {
    pub packed: &'a [u8],
    pub cast_prefix: &'a [u8],
    pub cast_signature: &'a [u8],
}

pub fn verify(parameters: &Parameters, items: &[Item]) -> Vec<Result<Derived>> {
    let chunk = items.len().div_ceil(rayon::current_num_threads()).clamp(1, LARGEST_CHUNK);
    items.par_chunks(chunk).flat_map_iter(|chunk| verify_chunk(parameters, chunk)).collect()
}

/// The same verdict, for one ballot and without a combination.
pub fn verify_one(parameters: &Parameters, item: &Item) -> Result<Derived> {
    let cast = read_cast(parameters, item)?;
    cast::verify(&cast, item.cast_prefix)?;
    let derived = verify::unpack(parameters, item.packed, cast.credential)?;
    verify::check(parameters, &derived)?;
    Ok(derived)
}

fn read_cast(parameters: &Parameters, item: &Item) -> Result<Cast> {
    ballot::check_size(&parameters.shape, item.packed)?;
    cast::read(ballot::credential(item.packed)?, item.cast_signature)
}

fn verify_chunk(parameters: &Parameters, items: &[Item]) -> Vec<Result<Derived>> {
    let casts: Vec<Result<Cast>> = items.iter().map(|item| read_cast(parameters, item)).collect();
    let casts = and_then(casts, |casts| check_casts(items, casts));
    and_then(casts, |casts| {
        let unpacked = unpack_all(parameters, items, casts);
        and_then(unpacked, |ballots| check_proofs(parameters, ballots))
    })
}

/// Go on with those that passed so far: `stage` takes them with their places and returns as many verdicts.
fn and_then<A, B>(verdicts: Vec<Result<A>>, stage: impl FnOnce(Vec<(usize, A)>) -> Vec<Result<B>>) -> Vec<Result<B>> {
    let mut passed = Vec::with_capacity(verdicts.len());
    let mut failed = Vec::with_capacity(verdicts.len());
    for (place, verdict) in verdicts.into_iter().enumerate() {
        match verdict {
            Ok(value) => {
                passed.push((place, value));
                failed.push(None);
            }
            Err(error) => failed.push(Some(error)),
        }
    }
    let mut later = stage(passed).into_iter();
    failed.into_iter().map(|error| error.map_or_else(|| later.next().expect("a verdict for each"), Err)).collect()
}

fn check_casts(items: &[Item], casts: Vec<(usize, Cast)>) -> Vec<Result<Cast>> {
    let commitments: Vec<EdwardsPoint> = casts.iter().map(|(_, cast)| cast.commitment).collect();
    let challenges: Vec<Scalar> = EdwardsPoint::compress_batch_alloc(&commitments)
        .iter()
        .zip(&casts)
        .map(|(encoding, (place, _))| cast::challenge(items[*place].cast_prefix, encoding.as_bytes()))
        .collect();
    let combine = |range: Range<usize>| {
        let mut sum = Combination::with_capacity(2 * range.len());
        let coefficients = coefficients(range.len());
        for (i, r) in range.zip(coefficients) {
            let (_, cast) = &casts[i];
            sum.base += r * cast.response;
            sum.add(r * challenges[i], cast.credential);
            sum.add_negated(r, cast.commitment);
        }
        sum.vanishes(None)
    };
    let verdicts = halve(casts.len(), &combine, &|i| cast::check(&casts[i].1, &challenges[i]));
    casts.into_iter().zip(verdicts).map(|((_, cast), verdict)| verdict.map(|()| cast)).collect()
}

fn unpack_all(parameters: &Parameters, items: &[Item], casts: Vec<(usize, Cast)>) -> Vec<Result<Derived>> {
    let shape = &parameters.shape;
    let unpacked = casts
        .into_iter()
        .map(|(place, cast)| {
            let packed = items[place].packed;
            Ok((ballot::points(shape, packed, cast.credential)?, ballot::scalars(shape, packed)?))
        })
        .collect();
    and_then(unpacked, |ballots| {
        let all: Vec<EdwardsPoint> =
            ballots.iter().flat_map(|(_, (points, _))| points.points.iter().copied()).collect();
        let encodings = EdwardsPoint::compress_batch_alloc(&all);
        let each = shape.points() + 2 * shape.parts.len();
        ballots
            .into_iter()
            .zip(encodings.chunks(each))
            .map(|((_, (points, scalars)), encodings)| Ok(verify::derive(parameters, points, encodings, scalars)))
            .collect()
    })
}

fn check_proofs(parameters: &Parameters, ballots: Vec<(usize, Derived)>) -> Vec<Result<Derived>> {
    let combine = |range: Range<usize>| {
        let shape = &parameters.shape;
        let mut sum = Combination::with_capacity(range.len() * shape.points());
        let mut key = Scalar::ZERO;
        for (_, ballot) in &ballots[range] {
            add_equations(parameters, ballot, &mut sum, &mut key);
        }
        sum.vanishes(Some((key, parameters.key)))
    };
    let verdicts = halve(ballots.len(), &combine, &|i| verify::check(parameters, &ballots[i].1));
    ballots.into_iter().zip(verdicts).map(|((_, ballot), verdict)| verdict.map(|()| ballot)).collect()
}

/// For each branch z g + c alpha - A = 0 and z y + c (beta - M g) - B = 0; for the signature z g + c cred - R = 0.
fn add_equations(parameters: &Parameters, ballot: &Derived, sum: &mut Combination, key: &mut Scalar) {
    let shape = &parameters.shape;
    let points = &ballot.points.points;
    let mut random = coefficients(2 * shape.branches.len() + 1).into_iter();
    let mut next = || random.next().expect("one for each equation");
    let mut ciphertexts = vec![[Scalar::ZERO; 2]; shape.ciphertexts];
    let mut sums = vec![[Scalar::ZERO; 2]; shape.parts.len()];
    for (number, branch) in shape.branches.iter().enumerate() {
        let (r, s) = (next(), next());
        let (c, z) = (&ballot.scalars.challenges[number], &ballot.scalars.responses[number]);
        let sc = s * c;
        sum.base += r * z - sc * Scalar::from(branch.value);
        *key += s * z;
        let target = match branch.target {
            Target::Ciphertext(i) => &mut ciphertexts[i],
            Target::Sum(question) => &mut sums[question],
        };
        target[0] += r * c;
        target[1] += sc;
        let at = shape.commitment(number);
        sum.add_negated(r, points[at]);
        sum.add_negated(s, points[at + 1]);
    }
    for (part, [alpha, beta]) in shape.parts.iter().zip(sums) {
        for ciphertext in &mut ciphertexts[part.summed.clone()] {
            ciphertext[0] += alpha;
            ciphertext[1] += beta;
        }
    }
    for (i, [alpha, beta]) in ciphertexts.into_iter().enumerate() {
        let at = shape.alpha(i);
        sum.add(alpha, points[at]);
        sum.add(beta, points[at + 1]);
    }
    let r = next();
    sum.base += r * ballot.scalars.signature_response;
    sum.add(r * ballot.signature_challenge, points[0]);
    sum.add_negated(r, points[shape.signature_commitment()]);
}

/// A sum of multiples of points, with the base point's multiples gathered.
struct Combination {
    base: Scalar,
    scalars: Vec<Scalar>,
    points: Vec<EdwardsPoint>,
}

impl Combination {
    fn with_capacity(capacity: usize) -> Combination {
        Combination {
            base: Scalar::ZERO,
            scalars: Vec::with_capacity(capacity + 2),
            points: Vec::with_capacity(capacity + 2),
        }
    }

    fn add(&mut self, scalar: Scalar, point: EdwardsPoint) {
        self.scalars.push(scalar);
        self.points.push(point);
    }

    /// -scalar · point, which keeps a short scalar short.
    fn add_negated(&mut self, scalar: Scalar, point: EdwardsPoint) {
        self.add(scalar, -point);
    }

    fn vanishes(mut self, key: Option<(Scalar, EdwardsPoint)>) -> bool {
        self.add(self.base, ED25519_BASEPOINT_POINT);
        if let Some((scalar, point)) = key {
            self.add(scalar, point);
        }
        EdwardsPoint::vartime_multiscalar_mul(self.scalars, self.points).is_identity()
    }
}

/// Coefficients of 128 bits from the operating system: an equation that fails goes unseen with a chance of 2^-128.
fn coefficients(count: usize) -> Vec<Scalar> {
    let mut bytes = vec![0u8; 16 * count];
    getrandom::fill(&mut bytes).expect("the operating system gives no randomness");
    bytes.chunks_exact(16).map(|chunk| Scalar::from(u128::from_le_bytes(chunk.try_into().expect("16 bytes")))).collect()
}

/// A verdict for each of `count` items: `combined` says whether a range holds as a whole, `exact` judges one.
fn halve(
    count: usize,
    combined: &impl Fn(Range<usize>) -> bool,
    exact: &impl Fn(usize) -> Result<()>,
) -> Vec<Result<()>> {
    fn descend(
        range: Range<usize>,
        combined: &impl Fn(Range<usize>) -> bool,
        exact: &impl Fn(usize) -> Result<()>,
        verdicts: &mut Vec<Result<()>>,
    ) {
        if range.len() == 1 {
            verdicts.push(exact(range.start));
        } else if combined(range.clone()) {
            verdicts.extend(range.map(|_| Ok(())));
        } else {
            let middle = range.start + range.len() / 2;
            descend(range.start..middle, combined, exact, verdicts);
            descend(middle..range.end, combined, exact, verdicts);
        }
    }
    let mut verdicts = Vec::with_capacity(count);
    if count > 0 {
        descend(0..count, combined, exact, &mut verdicts);
    }
    verdicts
}
