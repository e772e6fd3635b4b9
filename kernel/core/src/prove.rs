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
use crate::{point, scalar, verify};

/// The text of what a voter chose, per question one number 0 or 1 for each ciphertext.
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

/// A packed ballot, and its opening: the randomness of each ciphertext, 32 bytes each.
pub fn prove(parameters: &Parameters, secret: &Scalar, choices: &Choices) -> Result<(Vec<u8>, Vec<u8>)> {
    let shape = &parameters.shape;
    check_choices(shape, choices)?;
    if bool::from(secret.ct_eq(&Scalar::ZERO)) {
        return malformed("the credential's secret is zero");
    }
    let base = ED25519_BASEPOINT_TABLE;
    let key = parameters.key_table();
    // All points are made divided by eight: what is stored. Eight times that is what is hashed.
    let eighth = scalar::one_eighth();

    let openings = Zeroizing::new(openings(shape, choices));
    let mut eighths = vec![base * &(secret * eighth)];
    let unit = base * &eighth;
    for opening in &openings[..shape.ciphertexts] {
        let scaled = Zeroizing::new(opening.r * eighth);
        let chosen = Choice::from(opening.m as u8);
        let message = EdwardsPoint::conditional_select(&EdwardsPoint::identity(), &unit, chosen);
        eighths.push(base * &*scaled);
        eighths.push(key * &*scaled + message);
    }

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
    let randomness = openings[..shape.ciphertexts].iter().flat_map(|opening| opening.r.to_bytes()).collect();
    Ok((ballot::pack(shape, &stored, &derived.scalars), randomness))
}

/// Fresh randomness for each ciphertext, then the openings of the sums.
fn openings(shape: &Shape, choices: &Choices) -> Vec<Opening> {
    let mut openings: Vec<Opening> = Vec::with_capacity(shape.ciphertexts + shape.parts.len());
    openings.extend(choices.iter().flatten().map(|&m| Opening { r: *scalar::random(), m }));
    for part in &shape.parts {
        let summed = &openings[part.summed.clone()];
        let sum = Opening { r: summed.iter().map(|o| o.r).sum(), m: summed.iter().map(|o| o.m).sum() };
        openings.push(sum);
    }
    openings
}

/// The choices in an audited ballot, from its randomness.
pub fn open(parameters: &Parameters, packed: &[u8], opening: &[u8]) -> Result<Choices> {
    let shape = &parameters.shape;
    let ballot = verify::load(parameters, packed)?;
    if opening.len() != 32 * shape.ciphertexts {
        return malformed(format!("an opening has {} bytes here, not {}", 32 * shape.ciphertexts, opening.len()));
    }
    let mut chosen = Vec::with_capacity(shape.ciphertexts);
    for (i, r) in opening.chunks_exact(32).enumerate() {
        let r = scalar::decode(r).map_err(|e| e.at("the opening"))?;
        let [alpha, beta] = ballot.points.ciphertext(shape, i);
        let message = beta - parameters.key_table() * &r;
        let m = [0u64, 1].into_iter().find(|&m| EdwardsPoint::mul_base(&Scalar::from(m)) == message);
        match m {
            Some(m) if EdwardsPoint::mul_base(&r) == alpha => chosen.push(m),
            _ => return unproven(format!("the opening does not fit {}", shape.names[i])),
        }
    }
    Ok(shape.parts.iter().map(|part| chosen[part.ciphertexts.clone()].to_vec()).collect())
}
