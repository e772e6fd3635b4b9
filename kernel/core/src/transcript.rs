//! What a ballot's proofs hash (the table in section 3.1 of docs/protocol.md).
use curve25519_dalek::Scalar;

use crate::hash::{self, Sha256};
use crate::point;
use crate::shape::{Kind, Proof, Shape};

/// The texts of a ballot's points, numbered as in `ballot::Points`.
pub struct Texts(pub Vec<[u8; 64]>);

impl Texts {
    pub fn new(encodings: &[[u8; 32]]) -> Texts {
        Texts(encodings.iter().map(point::hex).collect())
    }
}

/// Hashes of one ballot, with what they all begin with hashed once.
pub struct Transcript<'a> {
    shape: &'a Shape,
    texts: &'a Texts,
    /// `prove|phi|cred|`
    prove: Sha256,
    fingerprint: &'a str,
}

impl<'a> Transcript<'a> {
    pub fn new(shape: &'a Shape, fingerprint: &'a str, texts: &'a Texts) -> Transcript<'a> {
        let prove = beginning("prove", fingerprint, &texts.0[0]);
        Transcript { shape, texts, prove, fingerprint }
    }

    /// H of a proof: what its challenges must add up to.
    pub fn challenge(&self, proof: &Proof) -> Scalar {
        let part = &self.shape.parts[proof.question];
        let blank_allowed = part.blank.is_some();
        let mut hasher = match proof.kind {
            Kind::Blank => beginning("bproof0", self.fingerprint, &self.texts.0[0]),
            Kind::Overall if blank_allowed => beginning("bproof1", self.fingerprint, &self.texts.0[0]),
            _ => self.prove.clone(),
        };
        let range = match proof.kind {
            Kind::Individual(ciphertext) => ciphertext..ciphertext + 1,
            _ => part.ciphertexts.clone(),
        };
        let pair = |alpha: usize| &self.texts.0[alpha..alpha + 2];
        self.list(&mut hasher, range.flat_map(|i| pair(self.shape.alpha(i))));
        hasher.update(b"|");
        if proof.kind == Kind::Overall && !blank_allowed {
            self.list(&mut hasher, pair(self.shape.points() + 2 * proof.question).iter());
            hasher.update(b"|");
        }
        let commitments = proof.branches.clone().flat_map(|branch| pair(self.shape.commitment(branch)));
        self.list(&mut hasher, commitments);
        hash::finish(hasher)
    }

    /// The challenge of the signature, from b64 of the ballot without it.
    pub fn signature(&self, hash: &[u8]) -> Scalar {
        hash::to_scalar(&[b"sig|", hash, b"|", &self.texts.0[self.shape.signature_commitment()]])
    }

    fn list<'t>(&self, hasher: &mut Sha256, texts: impl Iterator<Item = &'t [u8; 64]>) {
        for (i, text) in texts.enumerate() {
            if i > 0 {
                hasher.update(b",");
            }
            hasher.update(text);
        }
    }
}

fn beginning(name: &str, fingerprint: &str, credential: &[u8; 64]) -> Sha256 {
    let mut hasher = Sha256::new(name.as_bytes());
    hasher.update(b"|");
    hasher.update(fingerprint.as_bytes());
    hasher.update(b"|");
    hasher.update(credential);
    hasher.update(b"|");
    hasher
}
