//! Making a ballot, on the voter's device or in a test: constant-time in the choices, the randomness and the credential.
//!
//! Every branch is computed alike. With t and c random, A = g^t and B = y^t g^((m - M) c); in a branch that is true
//! (m = M) B does not depend on c, so that one branch's challenge can be set to what the hash demands. Then z = t - r c.
//! This is the usual simulation of the other branches, without a difference between them that time could show.
use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_TABLE;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::Identity;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::ballot::{self, Points, Scalars};
use crate::error::{Result, malformed, unproven};
use crate::parameters::Parameters;
use crate::shape::{Question, Shape, Target};
use crate::{code, point, scalar, verify};

/// What a voter chose, per question one number 0 or 1 for each ciphertext.
pub type Choices = Vec<Vec<u64>>;

/// Refuse what the question does not allow. Not constant-time where it refuses: then no ballot comes out.
fn check_choices(shape: &Shape, choices: &Choices) -> Result<()> {
    if choices.len() != shape.questions.len() {
        return malformed(format!("the poll has {} questions, not {}", shape.questions.len(), choices.len()));
    }
    for (number, (question, chosen)) in shape.questions.iter().zip(choices).enumerate() {
        check_question(question, chosen).map_err(|e| e.at(format_args!("question {}", number + 1)))?;
    }
    Ok(())
}

fn check_question(question: &Question, chosen: &[u64]) -> Result<()> {
    let flags = usize::from(question.blank);
    if chosen.len() != question.answers + flags {
        return malformed(format!("{} choices are wanted, not {}", question.answers + flags, chosen.len()));
    }
    if chosen.iter().fold(false, |wrong, &m| wrong | (m > 1)) {
        return malformed("each choice is 0 or 1");
    }
    let blank: u64 = chosen[..flags].iter().sum();
    let sum: u64 = chosen[flags..].iter().sum();
    let in_range = (sum >= question.min as u64) & (sum <= question.max as u64);
    let allowed = (blank == 0) & in_range | (blank == 1) & (sum == 0);
    if !allowed {
        if blank == 1 {
            return malformed("a blank vote chooses nothing else");
        }
        return malformed(format!("{} to {} answers may be chosen, not {sum}", question.min, question.max));
    }
    Ok(())
}

/// What the voter knows of a ciphertext or of a sum: alpha = g^r, beta = y^r g^m.
#[derive(Clone, Copy, Default)]
struct Opening {
    r: Scalar,
    m: u64,
}

impl zeroize::Zeroize for Opening {
    fn zeroize(&mut self) {
        self.r.zeroize();
        self.m.zeroize();
    }
}

/// Fresh randomness for a ballot, 32 bytes for each ciphertext.
pub fn randomness(shape: &Shape) -> Zeroizing<Vec<u8>> {
    Zeroizing::new((0..shape.ciphertexts).flat_map(|_| scalar::random().to_bytes()).collect())
}

/// The code of the ciphertexts that these choices and this randomness give: what a device shows before it is told whether to
/// cast them or to open them, and what another device computes from what it is shown then.
pub fn code(parameters: &Parameters, choices: &Choices, randomness: &[u8]) -> Result<[u8; 32]> {
    let shape = &parameters.shape;
    check_choices(shape, choices)?;
    let openings = Zeroizing::new(openings(shape, choices, randomness)?);
    let eighths = encrypt(parameters, &openings[..shape.ciphertexts], &scalar::one_eighth());
    let points: Vec<EdwardsPoint> = eighths.iter().map(EdwardsPoint::mul_by_cofactor).collect();
    Ok(code::of(&parameters.fingerprint, &point::encode_many(&points)))
}

/// The ciphertexts alpha, beta, alpha, beta, ..., divided by eight.
fn encrypt(parameters: &Parameters, openings: &[Opening], eighth: &Scalar) -> Vec<EdwardsPoint> {
    let base = ED25519_BASEPOINT_TABLE;
    let key = parameters.key_table();
    let unit = base * eighth;
    let mut eighths = Vec::with_capacity(2 * openings.len());
    for opening in openings {
        let scaled = Zeroizing::new(opening.r * eighth);
        let chosen = Choice::from(opening.m as u8);
        let message = EdwardsPoint::conditional_select(&EdwardsPoint::identity(), &unit, chosen);
        eighths.push(base * &*scaled);
        eighths.push(key * &*scaled + message);
    }
    eighths
}

/// A packed ballot over the ciphertexts that these choices and this randomness give.
pub fn prove(parameters: &Parameters, secret: &Scalar, choices: &Choices, randomness: &[u8]) -> Result<Vec<u8>> {
    let shape = &parameters.shape;
    check_choices(shape, choices)?;
    if bool::from(secret.ct_eq(&Scalar::ZERO)) {
        return malformed("the credential's secret is zero");
    }
    let base = ED25519_BASEPOINT_TABLE;
    let key = parameters.key_table();
    // All points are made divided by eight: what is stored. Eight times that is what is hashed.
    let eighth = scalar::one_eighth();

    let openings = Zeroizing::new(openings(shape, choices, randomness)?);
    let mut eighths = vec![base * &(secret * eighth)];
    eighths.extend(encrypt(parameters, &openings[..shape.ciphertexts], &eighth));

    let opening_of = |target| match target {
        Target::Ciphertext(i) => openings[i],
        Target::Sum(question) => openings[shape.ciphertexts + question],
    };
    let mut exponents = Zeroizing::new(Vec::with_capacity(shape.branches.len()));
    let mut challenges = Vec::with_capacity(shape.branches.len());
    for branch in &shape.branches {
        let opening = Zeroizing::new(opening_of(branch.target));
        let (t, c) = (scalar::random(), *scalar::random());
        let difference = Zeroizing::new(Scalar::from(opening.m) - Scalar::from(branch.value));
        let scaled = Zeroizing::new(*t * eighth);
        let shift = Zeroizing::new(*difference * c * eighth);
        eighths.push(base * &*scaled);
        eighths.push(key * &*scaled + base * &*shift);
        exponents.push(*t);
        challenges.push(c);
    }
    let w = scalar::random();
    eighths.push(base * &(*w * eighth));

    let points = eighths.iter().map(EdwardsPoint::mul_by_cofactor).collect();
    let points = Points::with_sums(shape, points);
    let encodings = points.encode();
    let sums = verify::hashes(parameters, &encodings);

    let mut responses = vec![Scalar::ZERO; shape.branches.len()];
    for (proof, sum) in shape.proofs.iter().zip(sums) {
        let branches = proof.branches.clone();
        let mut found = Choice::from(0);
        let others: Scalar = challenges[branches.clone()].iter().sum();
        for number in branches {
            let branch = &shape.branches[number];
            let opening = Zeroizing::new(opening_of(branch.target));
            // The first true branch takes what is left of the hash.
            let real = opening.m.ct_eq(&branch.value) & !found;
            found |= real;
            let c = &mut challenges[number];
            let left = sum - (others - *c);
            c.conditional_assign(&left, real);
            responses[number] = exponents[number] - opening.r * *c;
        }
        debug_assert!(bool::from(found));
    }
    let scalars = Scalars { challenges, responses, signature_response: Scalar::ZERO };
    let (mut derived, _) = verify::derive(parameters, &encodings, scalars);
    derived.scalars.signature_response = *w - secret * derived.signature_challenge;
    let stored = point::encode_many(&eighths);
    Ok(ballot::pack(shape, &stored, &derived.scalars))
}

/// What the voter knows of each ciphertext, then of the sums.
fn openings(shape: &Shape, choices: &Choices, randomness: &[u8]) -> Result<Vec<Opening>> {
    if randomness.len() != 32 * shape.ciphertexts {
        return malformed(format!("the randomness has {} bytes here, not {}", 32 * shape.ciphertexts, randomness.len()));
    }
    let mut openings = Zeroizing::new(Vec::with_capacity(shape.ciphertexts + shape.parts.len()));
    for (&m, r) in choices.iter().flatten().zip(randomness.chunks_exact(32)) {
        openings.push(Opening { r: scalar::decode(r).map_err(|e| e.at("the randomness"))?, m });
    }
    for part in &shape.parts {
        let summed = &openings[part.summed.clone()];
        let sum = Opening { r: summed.iter().map(|o| o.r).sum(), m: summed.iter().map(|o| o.m).sum() };
        openings.push(sum);
    }
    Ok(std::mem::take(&mut *openings))
}
