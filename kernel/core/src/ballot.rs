//! A ballot taken apart: its points and scalars, and the text from which its hashes are made.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::{Identity, IsIdentity};

use crate::error::{Result, malformed};
use crate::shape::{Shape, Target};
use crate::{point, scalar};

/// The points of a ballot, numbered as in `Shape`, and behind them the sums of each question (alpha, beta).
pub struct Points {
    pub points: Vec<EdwardsPoint>,
}

impl Points {
    /// `points` without the sums, which are made here.
    pub fn with_sums(shape: &Shape, mut points: Vec<EdwardsPoint>) -> Points {
        for part in &shape.parts {
            let mut sums = [EdwardsPoint::identity(); 2];
            for ciphertext in part.summed.clone() {
                let alpha = shape.alpha(ciphertext);
                sums[0] += points[alpha];
                sums[1] += points[alpha + 1];
            }
            points.extend(sums);
        }
        Points { points }
    }

    pub fn encode(&self) -> Vec<[u8; 32]> {
        point::encode_many(&self.points)
    }

    pub fn ciphertext(&self, shape: &Shape, i: usize) -> [EdwardsPoint; 2] {
        let alpha = shape.alpha(i);
        [self.points[alpha], self.points[alpha + 1]]
    }

    pub fn target(&self, shape: &Shape, target: Target) -> [EdwardsPoint; 2] {
        match target {
            Target::Ciphertext(i) => self.ciphertext(shape, i),
            Target::Sum(question) => {
                let alpha = shape.points() + 2 * question;
                [self.points[alpha], self.points[alpha + 1]]
            }
        }
    }
}

/// Everything that a packed ballot holds besides its points.
pub struct Scalars {
    /// One for each branch. The last of each proof is zero until the hash is known.
    pub challenges: Vec<Scalar>,
    pub responses: Vec<Scalar>,
    pub signature_response: Scalar,
}

pub fn check_size(shape: &Shape, packed: &[u8]) -> Result<()> {
    if packed.len() != shape.size {
        return malformed(format!("a ballot of this poll has {} bytes, not {}", shape.size, packed.len()));
    }
    Ok(())
}

/// The credential of a packed ballot of the right size. The identity is refused: anyone can sign for it.
pub fn credential(packed: &[u8]) -> Result<EdwardsPoint> {
    let credential = point::decode_eighth(&packed[..32]).map_err(|e| e.at("the credential"))?;
    if credential.is_identity() {
        return malformed("the credential is the identity");
    }
    Ok(credential)
}

/// All points of a packed ballot of the right size, the credential (already decoded) first.
pub fn points(shape: &Shape, packed: &[u8], credential: EdwardsPoint) -> Result<Points> {
    let mut points = Vec::with_capacity(shape.points() + 2 * shape.parts.len());
    points.push(credential);
    for &offset in &shape.point_offsets[1..] {
        points.push(point::decode_eighth(&packed[offset..offset + 32])?);
    }
    Ok(Points::with_sums(shape, points))
}

pub fn scalars(shape: &Shape, packed: &[u8]) -> Result<Scalars> {
    let read = |offset: usize| scalar::decode(&packed[offset..offset + 32]);
    Ok(Scalars {
        challenges: shape
            .challenge_offsets
            .iter()
            .map(|offset| offset.map_or(Ok(Scalar::ZERO), read))
            .collect::<Result<_>>()?,
        responses: shape.response_offsets.iter().map(|&offset| read(offset)).collect::<Result<_>>()?,
        signature_response: read(shape.signature_response_offset)?,
    })
}

/// The packed form: `eighths` are the encodings of the points divided by eight, numbered as in `Shape`.
pub fn pack(shape: &Shape, eighths: &[[u8; 32]], scalars: &Scalars) -> Vec<u8> {
    let mut packed = vec![0u8; shape.size];
    let mut put = |offset: usize, bytes: &[u8; 32]| packed[offset..offset + 32].copy_from_slice(bytes);
    for (&offset, encoding) in shape.point_offsets.iter().zip(eighths) {
        put(offset, encoding);
    }
    for (branch, &offset) in shape.response_offsets.iter().enumerate() {
        put(offset, scalars.responses[branch].as_bytes());
        if let Some(offset) = shape.challenge_offsets[branch] {
            put(offset, scalars.challenges[branch].as_bytes());
        }
    }
    put(shape.signature_response_offset, scalars.signature_response.as_bytes());
    packed
}
