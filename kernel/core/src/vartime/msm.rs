//! A long sum of multiples of points, by buckets (Pippenger 1976; Bernstein, Doumen, Lange, Oosterwijk 2012, section 4).
use curve25519_dalek::Scalar;

use super::point::{Cached, Point};
use super::simd::{Simd, dispatch};

/// Scalars are below 2^253; one bit more for the carry of signed digits.
const BITS: usize = 254;
/// Wider buckets would leave the processor's second cache.
const WIDEST: usize = 11;

/// The sum of scalars[i] · points[i]. Scalars below 2^128 cost half as much as others.
pub fn sum(scalars: &[Scalar], points: &[Cached]) -> Point {
    assert_eq!(scalars.len(), points.len(), "a scalar for each point");
    let short = scalars.iter().filter(|scalar| scalar.as_bytes()[16..] == [0; 16]).count();
    let width = width(short, scalars.len() - short);
    let columns = BITS.div_ceil(width);
    let digits = digits(scalars, width, columns);
    dispatch!(s => sum_of_columns(s, &digits, points, width))
}

#[inline(always)]
fn sum_of_columns<S: Simd>(s: S, digits: &[i16], points: &[Cached], width: usize) -> Point {
    let mut buckets = vec![Point::IDENTITY; 1 << (width - 1)];
    let mut total = Point::IDENTITY;
    for column in digits.chunks_exact(points.len().max(1)).rev() {
        for _ in 0..width {
            total = total.double(s);
        }
        buckets.fill(Point::IDENTITY);
        for (digit, point) in column.iter().zip(points) {
            let magnitude = usize::from(digit.unsigned_abs());
            if magnitude > 0 {
                let bucket = &mut buckets[magnitude - 1];
                *bucket = if *digit > 0 { bucket.add(s, point) } else { bucket.sub(s, point) };
            }
        }
        total = total.add(s, &weighted(s, &buckets).cached(s));
    }
    total
}

/// 1 · buckets[0] + 2 · buckets[1] + ..., by running sums from the last.
#[inline(always)]
fn weighted<S: Simd>(s: S, buckets: &[Point]) -> Point {
    let (mut running, mut total) = (Point::IDENTITY, Point::IDENTITY);
    for bucket in buckets.iter().rev() {
        running = running.add(s, &bucket.cached(s));
        total = total.add(s, &running.cached(s));
    }
    total
}

/// The width of digits for which the fewest additions are to be expected; a running sum costs three.
fn width(short: usize, long: usize) -> usize {
    let additions = |width: usize| {
        let columns = BITS.div_ceil(width);
        columns * (long + 3 * (1 << (width - 1))) + 128usize.div_ceil(width) * short
    };
    (2..=WIDEST).min_by_key(|&width| additions(width)).expect("there are widths")
}

/// Signed digits from -2^(width-1) to 2^(width-1), all points' digits of a column side by side, the lowest column first.
fn digits(scalars: &[Scalar], width: usize, columns: usize) -> Vec<i16> {
    let mut digits = vec![0i16; columns * scalars.len()];
    let (base, half) = (1i32 << width, 1i32 << (width - 1));
    for (i, scalar) in scalars.iter().enumerate() {
        let mut padded = [0u8; 36];
        padded[..32].copy_from_slice(scalar.as_bytes());
        let mut carry = 0;
        for column in 0..columns {
            let (byte, shift) = (column * width / 8, column * width % 8);
            let window = u32::from_le_bytes(*padded[byte..].first_chunk().expect("four bytes of padding"));
            let mut digit = (window >> shift) as i32 & (base - 1);
            digit += carry;
            carry = i32::from(digit > half);
            digit -= carry * base;
            digits[column * scalars.len() + i] = digit as i16;
        }
        debug_assert_eq!(carry, 0);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::super::decode::decode;
    use super::super::simd::paths::both;
    use super::*;
    use curve25519_dalek::EdwardsPoint;
    use curve25519_dalek::traits::VartimeMultiscalarMul;

    fn scalar(short: bool) -> Scalar {
        let mut bytes = [0u8; 64];
        getrandom::fill(&mut bytes[..if short { 16 } else { 64 }]).unwrap();
        Scalar::from_bytes_mod_order_wide(&bytes)
    }

    #[test]
    fn sums_as_dalek() {
        both(|| {
            for size in [0, 1, 4, 60, 400, 3000] {
                let points: Vec<EdwardsPoint> = (0..size).map(|_| EdwardsPoint::mul_base(&scalar(false))).collect();
                let mut scalars: Vec<Scalar> = (0..size).map(|i| scalar(i % 3 > 0)).collect();
                if size > 10 {
                    scalars[0] = -Scalar::ONE;
                    scalars[1] = Scalar::ZERO;
                    scalars[2] = Scalar::ONE;
                    scalars[3] = Scalar::from(u128::MAX);
                }
                let cached: Vec<Cached> =
                    points.iter().map(|point| decode([&point.compress().0; 4]).0.cached()[0]).collect();
                let expected = EdwardsPoint::vartime_multiscalar_mul(&scalars, &points);
                assert_eq!(sum(&scalars, &cached).encode(), expected.compress().0);
            }
        });
    }

    #[test]
    fn every_width_is_used_rightly() {
        let scalars: Vec<Scalar> = (0..20).map(|_| scalar(false)).chain([-Scalar::ONE, Scalar::ZERO]).collect();
        for width in 2..=WIDEST {
            let columns = BITS.div_ceil(width);
            let digits = digits(&scalars, width, columns);
            for (i, scalar) in scalars.iter().enumerate() {
                let base = Scalar::from(1u64 << width);
                let value = (0..columns).rev().fold(Scalar::ZERO, |value, column| {
                    let digit = digits[column * scalars.len() + i];
                    let magnitude = Scalar::from(u64::from(digit.unsigned_abs()));
                    value * base + if digit < 0 { -magnitude } else { magnitude }
                });
                assert_eq!(value, *scalar);
            }
        }
    }
}
