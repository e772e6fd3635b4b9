//! Points of the prime-order subgroup of Ed25519, 32 bytes as in RFC 8032, section 5.1.2.
//!
//! A decoder here takes one encoding for each point (y below p, no sign bit on x = 0; RFC 8032 leaves both open)
//! and, unless its name says otherwise, only points of the prime-order subgroup.
use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::traits::{Identity, IsIdentity, VartimeMultiscalarMul};
use rayon::prelude::*;

use crate::error::{Result, malformed};
use crate::scalar;

pub const ORDER_LE: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Is this the only encoding that a decoder should take for its point? Says nothing of being on the curve.
pub fn is_canonical(bytes: &[u8; 32]) -> bool {
    let sign = bytes[31] >> 7;
    let top = bytes[31] & 0x7f;
    let full = top == 0x7f && bytes[1..31].iter().all(|&b| b == 0xff);
    if full && bytes[0] >= 0xed {
        return false; // y >= p
    }
    let one = top == 0 && bytes[0] == 1 && bytes[1..31].iter().all(|&b| b == 0);
    let minus_one = full && bytes[0] == 0xec;
    sign == 0 || !(one || minus_one) // x = 0 exactly for y = 1 and y = -1
}

/// A canonical encoding of a point of the curve, of any order.
pub fn decode_any_order(bytes: &[u8]) -> Result<EdwardsPoint> {
    let Ok(array) = <[u8; 32]>::try_from(bytes) else {
        return malformed(format!("a point has 32 bytes, not {}", bytes.len()));
    };
    if !is_canonical(&array) {
        return malformed("a point is not in canonical form");
    }
    match CompressedEdwardsY(array).decompress() {
        Some(point) => Ok(point),
        None => malformed("a point is not on the curve"),
    }
}

/// A canonical encoding of a point of the prime-order subgroup; the identity is one of them.
pub fn decode(bytes: &[u8]) -> Result<EdwardsPoint> {
    let point = decode_any_order(bytes)?;
    if !point.is_torsion_free() {
        return malformed("a point is not in the prime-order subgroup");
    }
    Ok(point)
}

/// A stored point, times eight: in the prime-order subgroup whatever was stored.
pub fn decode_eighth(bytes: &[u8]) -> Result<EdwardsPoint> {
    Ok(decode_any_order(bytes)?.mul_by_cofactor())
}

/// As `decode`, without the identity: for public keys and credentials, which anyone could use if they were it.
pub fn decode_key(bytes: &[u8], what: &str) -> Result<EdwardsPoint> {
    let point = decode(bytes).map_err(|e| e.at(what))?;
    if point.is_identity() {
        return malformed(format!("{what} is the identity"));
    }
    Ok(point)
}

/// Lowercase hexadecimal of the big-endian integer: how Belenios writes a point.
pub fn hex(encoding: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0u8; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(encoding.iter().rev()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// The encoding from its text: 64 lowercase digits, nothing else.
pub fn from_hex(text: &[u8]) -> Result<[u8; 32]> {
    let mut encoding = [0u8; 32];
    if text.len() != 64 {
        return malformed(format!("a point has 64 digits, not {}", text.len()));
    }
    for (byte, pair) in encoding.iter_mut().rev().zip(text.chunks_exact(2)) {
        for digit in pair {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return malformed("a point is not in lowercase hexadecimal"),
            };
            *byte = *byte << 4 | value;
        }
    }
    Ok(encoding)
}

pub fn hex_of(point: &EdwardsPoint) -> [u8; 64] {
    hex(&point.compress().0)
}

/// The encodings of many points, with one inversion for all.
pub fn encode_many(points: &[EdwardsPoint]) -> Vec<[u8; 32]> {
    EdwardsPoint::compress_batch_alloc(points).iter().map(|encoding| encoding.0).collect()
}

/// Decode all of them on all cores; an error names the first index at fault.
pub fn decode_many<P: AsRef<[u8]> + Sync>(points: &[P]) -> Result<Vec<EdwardsPoint>> {
    let decoded: Vec<Result<EdwardsPoint>> = points.par_iter().map(|p| decode(p.as_ref())).collect();
    decoded.into_iter().enumerate().map(|(i, r)| r.map_err(|e| e.at(format_args!("point {i}")))).collect()
}

/// The sum of all; the identity if there are none.
pub fn sum<P: AsRef<[u8]> + Sync>(points: &[P]) -> Result<EdwardsPoint> {
    Ok(decode_many(points)?.iter().sum())
}

/// The sum of scalars[i] · points[i], for public scalars only.
pub fn msm_vartime<P: AsRef<[u8]> + Sync>(scalars: &[P], points: &[P]) -> Result<EdwardsPoint> {
    if scalars.len() != points.len() {
        return malformed(format!("there are {} scalars for {} points", scalars.len(), points.len()));
    }
    let scalars = scalars
        .iter()
        .enumerate()
        .map(|(i, s)| scalar::decode(s.as_ref()).map_err(|e| e.at(format_args!("scalar {i}"))))
        .collect::<Result<Vec<Scalar>>>()?;
    Ok(EdwardsPoint::vartime_multiscalar_mul(&scalars, decode_many(points)?))
}

/// g, the base point of RFC 8032.
pub fn base() -> [u8; 32] {
    ED25519_BASEPOINT_POINT.compress().0
}

pub fn identity() -> [u8; 32] {
    EdwardsPoint::identity().compress().0
}
