//! Checking one ballot exactly: each equation on its own, and the first that does not hold is named.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::{Identity, VartimeMultiscalarMul};
use rayon::prelude::*;

use crate::ballot::{self, Points, Scalars};
use crate::error::{Result, malformed, unproven};
use crate::json::{self, Hashes};
use crate::parameters::Parameters;
use crate::shape::Branch;
use crate::transcript::{Texts, Transcript};
use crate::{point, scalar, schnorr};

/// Everything that follows from a ballot's points and scalars: all challenges and hashes. Nothing of it is proven yet.
pub struct Derived {
    pub scalars: Scalars,
    /// b64 of the text without the signature.
    pub hash: [u8; 43],
    pub signature_challenge: Scalar,
    pub tracker: [u8; 32],
}

/// A ballot with its points, for checking it exactly.
pub struct Unpacked {
    pub points: Points,
    /// Those of `points`.
    pub encodings: Vec<[u8; 32]>,
    pub derived: Derived,
    pub json: Vec<u8>,
}

/// `encodings` are those of all points, sums included. The last challenge of each proof is derived here. Also the JSON text.
pub fn derive(parameters: &Parameters, encodings: &[[u8; 32]], mut scalars: Scalars) -> (Derived, Vec<u8>) {
    let shape = &parameters.shape;
    let texts = Texts::new(encodings);
    let transcript = Transcript::new(shape, &parameters.fingerprint, &texts);
    for proof in &shape.proofs {
        let last = proof.branches.end - 1;
        let others: Scalar = scalars.challenges[proof.branches.start..last].iter().sum();
        scalars.challenges[last] = transcript.challenge(proof) - others;
    }
    let mut json = json::unsigned(parameters, &texts, &scalars);
    let hashes = Hashes::new(&json);
    let hash = hashes.unsigned();
    let signature_challenge = transcript.signature(&hash);
    let signature = json::signature(&hash, &signature_challenge, &scalars.signature_response);
    let tracker = hashes.tracker(&signature);
    json.extend(signature);
    (Derived { scalars, hash, signature_challenge, tracker }, json)
}

fn complete(parameters: &Parameters, points: Points, scalars: Scalars) -> Unpacked {
    let encodings = points.encode();
    let (derived, json) = derive(parameters, &encodings, scalars);
    Unpacked { points, encodings, derived, json }
}

/// H of each proof: what its challenges must add up to. For whoever makes a ballot.
pub fn hashes(parameters: &Parameters, encodings: &[[u8; 32]]) -> Vec<Scalar> {
    let texts = Texts::new(encodings);
    let transcript = Transcript::new(&parameters.shape, &parameters.fingerprint, &texts);
    parameters.shape.proofs.iter().map(|proof| transcript.challenge(proof)).collect()
}

/// Unpack a ballot whose credential is decoded already.
pub fn unpack(parameters: &Parameters, packed: &[u8], credential: EdwardsPoint) -> Result<Unpacked> {
    let points = ballot::points(&parameters.shape, packed, credential)?;
    let scalars = ballot::scalars(&parameters.shape, packed)?;
    Ok(complete(parameters, points, scalars))
}

pub fn load(parameters: &Parameters, packed: &[u8]) -> Result<Unpacked> {
    ballot::check_size(&parameters.shape, packed)?;
    unpack(parameters, packed, ballot::credential(packed)?)
}

pub fn verify(parameters: &Parameters, packed: &[u8]) -> Result<Unpacked> {
    let ballot = load(parameters, packed)?;
    check(parameters, &ballot)?;
    Ok(ballot)
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
pub fn check(parameters: &Parameters, ballot: &Unpacked) -> Result<()> {
    let shape = &parameters.shape;
    let points = &ballot.points.points;
    let derived = &ballot.derived;
    for proof in &shape.proofs {
        for number in proof.branches.clone() {
            let (c, z) = (&derived.scalars.challenges[number], &derived.scalars.responses[number]);
            let expected = commitments(parameters, &ballot.points, &shape.branches[number], c, z);
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
pub fn verify_json(parameters: &Parameters, text: &[u8]) -> Result<Unpacked> {
    let shape = &parameters.shape;
    let read = json::read(parameters, text)?;
    let mut points = vec![read.credential];
    points.extend(&read.ciphertexts);
    let mut all = points.clone();
    points.resize(shape.points(), EdwardsPoint::identity());
    let incomplete = Points::with_sums(shape, points);
    for (number, branch) in shape.branches.iter().enumerate() {
        let (c, z) = (&read.scalars.challenges[number], &read.scalars.responses[number]);
        all.extend(commitments(parameters, &incomplete, branch, c, z));
    }
    all.push(schnorr::commitment(&read.credential, &read.signature_challenge, &read.scalars.signature_response));
    let stated = read.scalars.challenges.clone();
    let ballot = complete(parameters, Points::with_sums(shape, all), read.scalars);
    let derived = &ballot.derived;
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
    if ballot.json != text {
        return malformed("the ballot is not in canonical form");
    }
    Ok(ballot)
}

/// The packed form of a ballot in Belenios's own form, which is checked.
pub fn pack_json(parameters: &Parameters, text: &[u8]) -> Result<Vec<u8>> {
    let shape = &parameters.shape;
    let ballot = verify_json(parameters, text)?;
    let eighth = scalar::one_eighth();
    let eighths: Vec<EdwardsPoint> =
        ballot.points.points[..shape.points()].par_iter().map(|point| point * eighth).collect();
    Ok(ballot::pack(shape, &point::encode_many(&eighths), &ballot.derived.scalars))
}
