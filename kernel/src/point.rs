//! Points of the prime-order subgroup of Ed25519, 32 bytes as in RFC 8032, section 5.1.2.
//!
//! A decoder here takes one encoding for each point (y below p, no sign bit on x = 0; RFC 8032 leaves both open)
//! and, unless its name says otherwise, only points of the prime-order subgroup.
use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::traits::{Identity, IsIdentity};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::checked::decode_checked;
use crate::error::{Error, Result, malformed};
use crate::vartime::msm;
use crate::{ballot, scalar};

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

/// Decode all of them on all cores; an error names the first index at fault.
pub fn decode_many(points: &[PyBackedBytes]) -> Result<Vec<EdwardsPoint>> {
    let decoded: Vec<Result<EdwardsPoint>> = points.par_iter().map(|p| decode(p)).collect();
    decoded.into_iter().enumerate().map(|(i, r)| r.map_err(|e| e.at(format_args!("point {i}")))).collect()
}

#[pyfunction]
pub fn point_check(py: Python<'_>, point: &[u8]) -> Result<()> {
    py.detach(|| decode(point).map(|_| ()))
}

#[pyfunction]
pub fn points_check(py: Python<'_>, points: Vec<PyBackedBytes>) -> Result<()> {
    py.detach(|| decode_many(&points).map(|_| ()))
}

#[pyfunction]
pub fn point_add(py: Python<'_>, a: &[u8], b: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| Ok((decode(a)? + decode(b)?).compress().0))
}

#[pyfunction]
pub fn point_sub(py: Python<'_>, a: &[u8], b: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| Ok((decode(a)? - decode(b)?).compress().0))
}

#[pyfunction]
pub fn point_neg(py: Python<'_>, a: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| Ok((-decode(a)?).compress().0))
}

#[pyfunction]
pub fn point_sum(py: Python<'_>, points: Vec<PyBackedBytes>) -> Result<[u8; 32]> {
    py.detach(|| Ok(decode_many(&points)?.iter().sum::<EdwardsPoint>().compress().0))
}

#[pyfunction]
pub fn point_mul(py: Python<'_>, scalar: &[u8], point: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| {
        let secret = scalar::decode_secret(scalar)?;
        let product = Zeroizing::new(decode(point)? * *secret);
        Ok(product.compress().0)
    })
}

#[pyfunction]
pub fn base_mul(py: Python<'_>, scalar: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| {
        let secret = scalar::decode_secret(scalar)?;
        Ok(EdwardsPoint::mul_base(&secret).compress().0)
    })
}

#[pyfunction]
pub fn double_mul_vartime(py: Python<'_>, a: &[u8], point: &[u8], b: &[u8]) -> Result<[u8; 32]> {
    py.detach(|| {
        let (a, point, b) = (scalar::decode(a)?, decode(point)?, scalar::decode(b)?);
        Ok(EdwardsPoint::vartime_double_scalar_mul_basepoint(&a, &point, &b).compress().0)
    })
}

#[pyfunction]
pub fn msm_vartime(py: Python<'_>, scalars: Vec<PyBackedBytes>, points: Vec<PyBackedBytes>) -> Result<[u8; 32]> {
    py.detach(|| {
        if scalars.len() != points.len() {
            return malformed(format!("there are {} scalars for {} points", scalars.len(), points.len()));
        }
        let scalars = scalars
            .iter()
            .enumerate()
            .map(|(i, s)| scalar::decode(s).map_err(|e: Error| e.at(format_args!("scalar {i}"))))
            .collect::<Result<Vec<Scalar>>>()?;
        let encodings: Vec<[u8; 32]> = ballot::encode(&decode_many(&points)?);
        Ok(msm::sum(&scalars, &decode_checked(&encodings)).encode())
    })
}

/// The constants of the group, for the module.
pub fn base() -> [u8; 32] {
    ED25519_BASEPOINT_POINT.compress().0
}

pub fn identity() -> [u8; 32] {
    EdwardsPoint::identity().compress().0
}
