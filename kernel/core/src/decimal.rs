//! Scalars as decimal text, as in Belenios's JSON. For public scalars: the time depends on the value.
use curve25519_dalek::Scalar;

use crate::error::{Result, malformed};
use crate::scalar;

const BILLION: u64 = 1_000_000_000;
/// Digits of the group's order: no scalar has more.
pub const MOST_DIGITS: usize = 76;

pub fn write(out: &mut Vec<u8>, scalar: &Scalar) {
    let mut limbs = [0u64; 8];
    for (limb, bytes) in limbs.iter_mut().zip(scalar.as_bytes().chunks_exact(4)) {
        *limb = u64::from(u32::from_le_bytes(bytes.try_into().expect("4 bytes")));
    }
    // Nine digits at a time, the lowest first: 9 groups hold 81 digits.
    let mut text = [b'0'; 81];
    let mut length = limbs.len();
    for group in text.rchunks_exact_mut(9) {
        while length > 0 && limbs[length - 1] == 0 {
            length -= 1;
        }
        let mut remainder = 0;
        for limb in limbs[..length].iter_mut().rev() {
            let value = remainder << 32 | *limb;
            *limb = value / BILLION;
            remainder = value % BILLION;
        }
        let mut rest = remainder as u32;
        for digit in group.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
    }
    let first = text.iter().position(|&digit| digit != b'0').unwrap_or(text.len() - 1);
    out.extend_from_slice(&text[first..]);
}

/// The one decimal form of a reduced scalar: digits, no sign, no leading zero.
pub fn read(text: &[u8]) -> Result<Scalar> {
    let fits = !text.is_empty() && text.len() <= MOST_DIGITS && text.iter().all(u8::is_ascii_digit);
    if !fits || (text[0] == b'0' && text.len() > 1) {
        return malformed("a scalar is not in canonical decimal form");
    }
    let mut limbs = [0u64; 8];
    for digit in text {
        let mut carry = u64::from(digit - b'0');
        for limb in &mut limbs {
            carry += *limb * 10;
            *limb = carry & 0xffff_ffff;
            carry >>= 32;
        }
    }
    let mut bytes = [0u8; 32];
    for (chunk, limb) in bytes.chunks_exact_mut(4).zip(limbs) {
        chunk.copy_from_slice(&(limb as u32).to_le_bytes());
    }
    scalar::decode(&bytes)
}
