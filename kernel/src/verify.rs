//! Checking one ballot exactly: each equation on its own, and the first that does not hold is named.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::traits::{Identity, VartimeMultiscalarMul};

use crate::ballot::{self, Points, Scalars};
use crate::election::Parameters;
use crate::error::{Result, malformed, unproven};
use crate::json::{self, Hashes};
use crate::schnorr;
use crate::shape::Branch;
use crate::transcript::{Texts, Transcript};

/// A ballot with everything that follows from it: all challenges and its texts. Nothing of it is proven yet.
pub struct Derived {
    pub points: Points,
    pub scalars: Scalars,
    pub credential: [u8; 32],
    /// b64 of the text without the signature.
    pub hash: [u8; 43],
    pub signature_challenge: Scalar,
    pub json: Vec<u8>,
    pub tracker: [u8; 32],
}

/// `encodings` are those of `points`, sums included. The last challenge of each proof is derived here.
pub fn derive(
    parameters: &Parameters,
    points: Points,
    encodings: &[CompressedEdwardsY],
    mut scalars: Scalars,
) -> Derived {
    let shape = &parameters.shape;
    let texts = Texts::new(encodings);
    let transcript = Transcript::new(shape, &parameters.fingerprint, &texts);
    for proof in &shape.proofs {
        let last = proof.branches.end - 1;
        let others: Scalar = scalars.challenges[proof.branches.start..last].iter().sum();
        scalars.challenges[last] = transcript.challenge(proof) - others;
    }
    let mut json = json::unsigned(shape, &parameters.names(), &texts, &scalars);
    let hashes = Hashes::new(&json);
    let hash = hashes.unsigned();
    let signature_challenge = transcript.signature(&hash);
    let signature = json::signature(&hash, &signature_challenge, &scalars.signature_response);
    let tracker = hashes.tracker(&signature);
    json.extend(signature);
    Derived { points, scalars, credential: encodings[0].0, hash, signature_challenge, json, tracker }
}

/// H of each proof: what its challenges must add up to. For whoever makes a ballot.
pub fn hashes(parameters: &Parameters, encodings: &[CompressedEdwardsY]) -> Vec<Scalar> {
    let texts = Texts::new(encodings);
    let transcript = Transcript::new(&parameters.shape, &parameters.fingerprint, &texts);
    parameters.shape.proofs.iter().map(|proof| transcript.challenge(proof)).collect()
}

/// Unpack a ballot whose credential is decoded already.
pub fn unpack(parameters: &Parameters, packed: &[u8], credential: EdwardsPoint) -> Result<Derived> {
    let points = ballot::points(&parameters.shape, packed, credential)?;
    let scalars = ballot::scalars(&parameters.shape, packed)?;
    let encodings = EdwardsPoint::compress_batch_alloc(&points.points);
    Ok(derive(parameters, points, &encodings, scalars))
}

pub fn load(parameters: &Parameters, packed: &[u8]) -> Result<Derived> {
    ballot::check_size(&parameters.shape, packed)?;
    unpack(parameters, packed, ballot::credential(packed)?)
}

pub fn verify(parameters: &Parameters, packed: &[u8]) -> Result<Derived> {
    let derived = load(parameters, packed)?;
    check(parameters, &derived)?;
    Ok(derived)
}

/// What the branch's prover committed to, if the branch is right: A = g^z alpha^c, B = y^z (beta / g^M)^c.
fn commitments(parameters: &Parameters, points: &Points, branch: &Branch, c: &Scalar, z: &Scalar) -> [EdwardsPoint; 2] {
    let [alpha, beta] = points.target(&parameters.shape, branch.target);
    let shifted = beta - EdwardsPoint::mul_base(&Scalar::from(branch.value));
    [
        EdwardsPoint::vartime_double_scalar_mul_basepoint(c, &alpha, z),
        EdwardsPoint::vartime_multiscalar_mul([z, c], [&parameters.key, &shifted]),
    ]
}

/// All equations of a ballot.
pub fn check(parameters: &Parameters, derived: &Derived) -> Result<()> {
    let shape = &parameters.shape;
    let points = &derived.points.points;
    for proof in &shape.proofs {
        for number in proof.branches.clone() {
            let (c, z) = (&derived.scalars.challenges[number], &derived.scalars.responses[number]);
            let expected = commitments(parameters, &derived.points, &shape.branches[number], c, z);
            let at = shape.commitment(number);
            if points[at..at + 2] != expected {
                return unproven(format!("the {} does not hold", proof.name));
            }
        }
    }
    let response = &derived.scalars.signature_response;
    if schnorr::commitment(&points[0], &derived.signature_challenge, response) != points[shape.signature_commitment()] {
        return unproven("the signature of the ballot does not hold");
    }
    Ok(())
}

/// Check a ballot in Belenios's own form, where the commitments are left out and all challenges are written.
pub fn verify_json(parameters: &Parameters, text: &[u8]) -> Result<Derived> {
    let shape = &parameters.shape;
    let read = json::read(shape, &parameters.names(), text)?;
    let mut points = vec![read.credential];
    points.extend(&read.ciphertexts);
    let mut complete = points.clone();
    points.resize(shape.points(), EdwardsPoint::identity());
    let incomplete = Points::with_sums(shape, points);
    for (number, branch) in shape.branches.iter().enumerate() {
        let (c, z) = (&read.scalars.challenges[number], &read.scalars.responses[number]);
        complete.extend(commitments(parameters, &incomplete, branch, c, z));
    }
    complete.push(schnorr::commitment(&read.credential, &read.signature_challenge, &read.scalars.signature_response));
    let points = Points::with_sums(shape, complete);
    let encodings = EdwardsPoint::compress_batch_alloc(&points.points);
    let stated = read.scalars.challenges.clone();
    let derived = derive(parameters, points, &encodings, read.scalars);
    for proof in &shape.proofs {
        let last = proof.branches.end - 1;
        if derived.scalars.challenges[last] != stated[last] {
            return unproven(format!("the {} does not hold", proof.name));
        }
    }
    if derived.hash != read.hash {
        return unproven("the hash in the signature is not that of the ballot");
    }
    if derived.signature_challenge != read.signature_challenge {
        return unproven("the signature of the ballot does not hold");
    }
    // Nothing can differ now unless the reader takes more than the writer writes.
    if derived.json != text {
        return malformed("the ballot is not in canonical form");
    }
    Ok(derived)
}
