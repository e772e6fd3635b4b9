//! Four points at a time: decoding, multiplication by eight, encoding.
use super::bound::Tight;
use super::field::{Field4, LANES, transpose};
use super::point::{Cached, Point};
use super::simd::{Simd, dispatch};

/// Four points, by their coordinates.
#[derive(Clone, Copy)]
pub struct Affine4 {
    x: Field4<Tight>,
    y: Field4<Tight>,
}

/// Four points as x = X/Z, y = Y/Z.
#[derive(Clone, Copy)]
pub struct Projective4 {
    x: Field4<Tight>,
    y: Field4<Tight>,
    z: Field4<Tight>,
}

/// The points of four *canonical* encodings (the caller has seen to that), of any order, and which are on the curve at all.
///
/// RFC 8032, section 5.1.3: x^2 = u/v with u = y^2 - 1, v = d y^2 + 1, and x = u v^3 (u v^7)^((p-5)/8) or that times the
/// square root of -1. A lane that is off the curve comes out as the identity.
pub fn decode(encodings: [&[u8; 32]; LANES]) -> (Affine4, [bool; LANES]) {
    dispatch!(s => decode_with(s, encodings))
}

#[inline(always)]
fn decode_with<S: Simd>(s: S, encodings: [&[u8; 32]; LANES]) -> (Affine4, [bool; LANES]) {
    let y = Field4::pack(encodings);
    let yy = y.square(s);
    let u = yy.sub(&Field4::ONE);
    let v = yy.mul(s, &Field4::D).add(&Field4::ONE);
    let v3 = v.square(s).mul(s, &v);
    let v7 = v3.square(s).mul(s, &v);
    let power = u.mul(s, &v7).power_p58(s);
    let root = u.mul(s, &v3).mul(s, &power);
    let check = root.square(s).mul(s, &v).to_bytes();
    let (plus, minus) = (u.reduce().to_bytes(), u.reduce().negate().to_bytes());
    let direct = lanes(|lane| check[lane] == plus[lane]);
    let turned = lanes(|lane| check[lane] == minus[lane]);
    let x = root.mul(s, &Field4::SQRT_M1).select(&root, direct);
    let parity = x.to_bytes();
    let x = x.select(&x.negate(), lanes(|lane| parity[lane][0] & 1 != encodings[lane][31] >> 7));
    let on_curve = lanes(|lane| direct[lane] || turned[lane]);
    let points = Affine4 { x: Field4::ZERO.select(&x, on_curve), y: Field4::ONE.select(&y, on_curve) };
    (points, on_curve)
}

#[inline(always)]
fn lanes(which: impl Fn(usize) -> bool) -> [bool; LANES] {
    [which(0), which(1), which(2), which(3)]
}

impl Affine4 {
    /// The x of each, in bytes.
    pub fn x(&self) -> [[u8; 32]; LANES] {
        self.x.to_bytes()
    }

    pub fn projective(&self) -> Projective4 {
        Projective4 { x: self.x, y: self.y, z: Field4::ONE }
    }

    /// Each for itself, ready to be added.
    pub fn cached(&self) -> [Cached; LANES] {
        dispatch!(s => {
            let (minus, plus) = (self.y.sub(&self.x).reduce(), self.y.add(&self.x).reduce());
            let t2d = self.x.mul(s, &self.y).mul(s, &Field4::TWICE_D);
            let [a, b, c, d] = transpose([minus, plus, Field4::TWO, t2d]);
            [Cached(a), Cached(b), Cached(c), Cached(d)]
        })
    }

    pub fn encode(&self) -> [[u8; 32]; LANES] {
        let (x, mut encodings) = (self.x.to_bytes(), self.y.to_bytes());
        for (encoding, x) in encodings.iter_mut().zip(x) {
            encoding[31] |= (x[0] & 1) << 7;
        }
        encodings
    }
}

impl Projective4 {
    pub fn from_points(points: [&Point; LANES]) -> Projective4 {
        let [x, y, z, _] = transpose(points.map(|point| point.0));
        Projective4 { x, y, z }
    }

    pub fn eight_times(&self) -> Projective4 {
        dispatch!(s => {
            let mut result = *self;
            for _ in 0..3 {
                result = result.double(s);
            }
            result
        })
    }

    /// Hisil, Wong, Carter, Dawson, ASIACRYPT 2008, section 3.3 for a = -1, without T; E, F and G with the other sign.
    #[inline(always)]
    fn double<S: Simd>(&self, s: S) -> Projective4 {
        let (xx, yy, zz) = (self.x.square(s), self.y.square(s), self.z.square(s));
        let h = yy.add(&xx);
        let e = h.sub(&self.x.add(&self.y).square(s));
        let g = xx.sub(&yy);
        let f = g.add(&zz.add(&zz)).reduce();
        Projective4 { x: e.mul(s, &f), y: h.mul(s, &g), z: f.mul(s, &g) }
    }
}

/// The coordinates of many points, with one inversion (Montgomery's trick). Z is never zero on this curve.
pub fn normalize(points: &[Projective4]) -> Vec<Affine4> {
    dispatch!(s => {
        let mut product = Field4::ONE;
        let mut before = Vec::with_capacity(points.len());
        for point in points {
            before.push(product);
            product = product.mul(s, &point.z);
        }
        let mut inverse = product.invert(s);
        let mut result = Vec::with_capacity(points.len());
        for (point, before) in points.iter().zip(&before).rev() {
            let of_z = inverse.mul(s, before);
            inverse = inverse.mul(s, &point.z);
            result.push(Affine4 { x: point.x.mul(s, &of_z), y: point.y.mul(s, &of_z) });
        }
        result.reverse();
        result
    })
}

#[cfg(test)]
mod tests {
    use super::super::point::{add_each, add_each_times, encode_many, sub_each, sum_of};
    use super::super::simd::paths::both;
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::CompressedEdwardsY;
    use curve25519_dalek::{EdwardsPoint, Scalar};

    /// Random strings: half of them on the curve, of mixed order nearly always.
    fn strings(count: usize) -> Vec<[u8; 32]> {
        let mut strings = vec![[0u8; 32]; count];
        getrandom::fill(strings.as_flattened_mut()).unwrap();
        strings.iter_mut().for_each(|s| s[31] &= 0xbf); // surely canonical
        strings.extend(EIGHT_TORSION.map(|point| point.compress().0));
        strings
    }

    #[test]
    fn decoding_and_eight_times_as_dalek() {
        both(|| {
            let mut on = 0;
            for four in strings(1000).chunks_exact(LANES) {
                let (points, on_curve) = decode(std::array::from_fn(|lane| &four[lane]));
                let eight = normalize(&[points.projective(), points.projective().eight_times()])[1].encode();
                for lane in 0..LANES {
                    let expected = CompressedEdwardsY(four[lane]).decompress();
                    assert_eq!(on_curve[lane], expected.is_some());
                    let expected = expected.unwrap_or_default();
                    assert_eq!(points.encode()[lane], expected.compress().0);
                    assert_eq!(eight[lane], expected.mul_by_cofactor().compress().0);
                    on += usize::from(on_curve[lane]);
                }
            }
            assert!(on > 400);
        });
    }

    #[test]
    fn adding_as_dalek() {
        both(|| {
            let strings = strings(400);
            let (mut sum, mut expected) = ([Point::IDENTITY], EdwardsPoint::default());
            for (i, four) in strings.chunks_exact(LANES).enumerate() {
                let (points, on_curve) = decode(std::array::from_fn(|lane| &four[lane]));
                for (lane, cached) in points.cached().into_iter().enumerate() {
                    let point = CompressedEdwardsY(four[lane]).decompress().filter(|_| on_curve[lane]);
                    let point = point.unwrap_or_default();
                    match (i + lane) % 3 {
                        0 => sub_each(&mut sum, &[cached]),
                        1 => add_each(&mut sum, &[cached.negate()]),
                        _ => add_each(&mut sum, &[cached]),
                    }
                    if (i + lane) % 3 < 2 {
                        expected -= point
                    } else {
                        expected += point
                    }
                    assert_eq!(sum[0].encode(), expected.compress().0);
                    assert_eq!(sum[0].eight_times().encode(), expected.mul_by_cofactor().compress().0);
                    let mut more = [Point::IDENTITY, sum[0]];
                    add_each_times(&mut more, &[sum[0], Point::IDENTITY], 1_000_003);
                    let times = EdwardsPoint::vartime_double_scalar_mul_basepoint;
                    let times = times(&Scalar::from(1_000_003u64), &expected, &Scalar::ZERO);
                    assert_eq!(encode_many(&more), [times.compress().0, expected.compress().0]);
                }
            }
        });
    }

    #[test]
    fn many_points_as_dalek() {
        both(|| {
            for count in [0, 1, 3, 4, 9] {
                let strings: Vec<[u8; 32]> = strings(100).into_iter().take(count).collect();
                let decoded: Vec<Cached> =
                    strings.iter().map(|string| decode([string; LANES]).0.cached()[LANES - 1]).collect();
                let points = strings.iter().map(|string| CompressedEdwardsY(*string).decompress().unwrap_or_default());
                assert_eq!(sum_of(decoded.iter()).encode(), points.sum::<EdwardsPoint>().compress().0);
            }
        });
    }
}
