//! The one JSON text of a ballot, as Belenios writes it: compact, keys in the order of its specification.
//!
//! Writing and reading walk the shape of the election side by side, so that anything else than that text is refused.
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;

use crate::ballot::Scalars;
use crate::error::{Result, malformed};
use crate::hash::Sha256;
use crate::parameters::Parameters;
use crate::shape::Proof;
use crate::transcript::Texts;
use crate::{decimal, point};

/// b64 of a SHA-256: standard alphabet, unpadded, 43 characters.
pub fn base64(digest: &[u8; 32]) -> [u8; 43] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = [0u8; 43];
    for (i, character) in text.iter_mut().enumerate() {
        let bit = 6 * i;
        let high = u16::from(digest[bit / 8]) << 8;
        let low = digest.get(bit / 8 + 1).map_or(0, |&b| u16::from(b));
        *character = ALPHABET[usize::from((high | low) >> (10 - bit % 8) & 63)];
    }
    text
}

/// The text up to the signature: complete but for the last brace.
pub fn unsigned(parameters: &Parameters, texts: &Texts, scalars: &Scalars) -> Vec<u8> {
    let shape = &parameters.shape;
    let mut out = Writer(Vec::with_capacity(4 * shape.size));
    out.text("{\"election_uuid\":\"")
        .text(&parameters.uuid)
        .text("\",\"election_hash\":\"")
        .text(&parameters.fingerprint);
    out.text("\",\"credential\":\"").raw(&texts.0[0]).text("\",\"answers\":[");
    for (number, part) in shape.parts.iter().enumerate() {
        out.comma(number).text("{\"choices\":[");
        for (i, ciphertext) in part.ciphertexts.clone().enumerate() {
            let alpha = shape.alpha(ciphertext);
            out.comma(i).text("{\"alpha\":\"").raw(&texts.0[alpha]).text("\",\"beta\":\"");
            out.raw(&texts.0[alpha + 1]).text("\"}");
        }
        out.text("],\"individual_proofs\":[");
        for (i, proof) in shape.proofs[part.individual.clone()].iter().enumerate() {
            out.comma(i).proof(proof, scalars);
        }
        out.text("],\"overall_proof\":").proof(&shape.proofs[part.overall], scalars);
        if let Some(blank) = part.blank {
            out.text(",\"blank_proof\":").proof(&shape.proofs[blank], scalars);
        }
        out.text("}");
    }
    out.text("]");
    out.0
}

/// SHA-256 of a text whose beginning may be hashed once for several endings.
pub struct Hashes {
    beginning: Sha256,
}

impl Hashes {
    pub fn new(unsigned: &[u8]) -> Hashes {
        Hashes { beginning: Sha256::new(unsigned) }
    }

    /// b64 of the ballot without its signature.
    pub fn unsigned(&self) -> [u8; 43] {
        base64(&self.beginning.clone().then(b"}").finish())
    }

    /// The tracker: SHA-256 of the whole text.
    pub fn tracker(&self, signature: &[u8]) -> [u8; 32] {
        self.beginning.clone().then(signature).finish()
    }
}

/// The rest of the text.
pub fn signature(hash: &[u8; 43], challenge: &Scalar, response: &Scalar) -> Vec<u8> {
    let mut out = Writer(Vec::with_capacity(320));
    out.text(",\"signature\":{\"hash\":\"").raw(hash).text("\",\"proof\":").challenge(challenge, response).text("}}");
    out.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn text(&mut self, text: &str) -> &mut Writer {
        self.raw(text.as_bytes())
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    fn comma(&mut self, i: usize) -> &mut Writer {
        self.text(if i > 0 { "," } else { "" })
    }

    fn challenge(&mut self, challenge: &Scalar, response: &Scalar) -> &mut Writer {
        self.text("{\"challenge\":\"");
        decimal::write(&mut self.0, challenge);
        self.text("\",\"response\":\"");
        decimal::write(&mut self.0, response);
        self.text("\"}")
    }

    fn proof(&mut self, proof: &Proof, scalars: &Scalars) -> &mut Writer {
        self.text("[");
        for (i, branch) in proof.branches.clone().enumerate() {
            self.comma(i).challenge(&scalars.challenges[branch], &scalars.responses[branch]);
        }
        self.text("]")
    }
}

/// A ballot as its JSON text has it: no commitments, and all challenges as they were written.
pub struct Read {
    pub credential: EdwardsPoint,
    pub ciphertexts: Vec<EdwardsPoint>,
    pub scalars: Scalars,
    pub hash: [u8; 43],
    pub signature_challenge: Scalar,
}

pub fn read(parameters: &Parameters, text: &[u8]) -> Result<Read> {
    let shape = &parameters.shape;
    let mut reader = Reader { text, at: 0 };
    reader.literal("{\"election_uuid\":\"")?;
    reader.named(&parameters.uuid, "election_uuid")?;
    reader.literal("\",\"election_hash\":\"")?;
    reader.named(&parameters.fingerprint, "election_hash")?;
    reader.literal("\",\"credential\":\"")?;
    let credential = reader.point("the credential", true)?;
    reader.literal("\",\"answers\":[")?;
    let branches = shape.branches.len();
    let mut scalars = Scalars {
        challenges: vec![Scalar::ZERO; branches],
        responses: vec![Scalar::ZERO; branches],
        signature_response: Scalar::ZERO,
    };
    let mut ciphertexts = Vec::with_capacity(2 * shape.ciphertexts);
    for (number, part) in shape.parts.iter().enumerate() {
        reader.comma(number)?.literal("{\"choices\":[")?;
        for (i, place) in shape.names[part.ciphertexts.clone()].iter().enumerate() {
            reader.comma(i)?.literal("{\"alpha\":\"")?;
            ciphertexts.push(reader.point(place, false)?);
            reader.literal("\",\"beta\":\"")?;
            ciphertexts.push(reader.point(place, false)?);
            reader.literal("\"}")?;
        }
        reader.literal("],\"individual_proofs\":[")?;
        for (i, proof) in shape.proofs[part.individual.clone()].iter().enumerate() {
            reader.comma(i)?.proof(proof, &mut scalars)?;
        }
        reader.literal("],\"overall_proof\":")?.proof(&shape.proofs[part.overall], &mut scalars)?;
        if let Some(blank) = part.blank {
            reader.literal(",\"blank_proof\":")?.proof(&shape.proofs[blank], &mut scalars)?;
        }
        reader.literal("}")?;
    }
    reader.literal("]")?;
    reader.literal(",\"signature\":{\"hash\":\"")?;
    let hash = *reader.take(43)?.first_chunk().expect("43 bytes");
    reader.literal("\",\"proof\":")?;
    let (signature_challenge, response) = reader.challenge()?;
    scalars.signature_response = response;
    reader.literal("}}")?;
    if reader.at != text.len() {
        return malformed(format!("the ballot goes on after its end at byte {}", reader.at));
    }
    Ok(Read { credential, ciphertexts, scalars, hash, signature_challenge })
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        match self.text.get(self.at..self.at + length) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None => malformed("the ballot ends too early"),
        }
    }

    fn literal(&mut self, expected: &str) -> Result<&mut Self> {
        let at = self.at;
        if self.take(expected.len())? != expected.as_bytes() {
            return malformed(format!("the ballot is not the JSON of this poll: byte {at} should begin {expected}"));
        }
        Ok(self)
    }

    fn named(&mut self, expected: &str, key: &str) -> Result<()> {
        if self.take(expected.len())? != expected.as_bytes() {
            return malformed(format!("the ballot is for another election: its {key} differs"));
        }
        Ok(())
    }

    fn comma(&mut self, i: usize) -> Result<&mut Self> {
        self.literal(if i > 0 { "," } else { "" })
    }

    fn point(&mut self, place: &str, key: bool) -> Result<EdwardsPoint> {
        let encoding = point::from_hex(self.take(64)?).map_err(|e| e.at(place))?;
        if key { point::decode_key(&encoding, place) } else { point::decode(&encoding).map_err(|e| e.at(place)) }
    }

    fn scalar(&mut self) -> Result<Scalar> {
        let rest = &self.text[self.at..];
        let length = rest.iter().take(decimal::MOST_DIGITS + 1).take_while(|b| b.is_ascii_digit()).count();
        let at = self.at;
        decimal::read(self.take(length)?).map_err(|e| e.at(format_args!("byte {at}")))
    }

    fn challenge(&mut self) -> Result<(Scalar, Scalar)> {
        let challenge = self.literal("{\"challenge\":\"")?.scalar()?;
        let response = self.literal("\",\"response\":\"")?.scalar()?;
        self.literal("\"}")?;
        Ok((challenge, response))
    }

    fn proof(&mut self, proof: &Proof, scalars: &mut Scalars) -> Result<()> {
        self.literal("[")?;
        for (i, branch) in proof.branches.clone().enumerate() {
            let (challenge, response) = self.comma(i)?.challenge()?;
            scalars.challenges[branch] = challenge;
            scalars.responses[branch] = response;
        }
        self.literal("]")?;
        Ok(())
    }
}
