//! Four points at a time: decoding, multiplication by eight, encoding.
use super::field::{D, Field4, LANES, SQRT_M1, transpose};
use super::point::{Cached, Point};

/// Four points, by their coordinates, tight.
#[derive(Clone, Copy)]
pub struct Affine4 {
    pub x: Field4,
    pub y: Field4,
}

/// Four points as x = X/Z, y = Y/Z, tight.
#[derive(Clone, Copy)]
pub struct Projective4 {
    x: Field4,
    y: Field4,
    z: Field4,
}

/// The points of four *canonical* encodings (the caller has seen to that), of any order, and which are on the curve at all.
///
/// RFC 8032, section 5.1.3: x^2 = u/v with u = y^2 - 1, v = d y^2 + 1, and x = u v^3 (u v^7)^((p-5)/8) or that times the
/// square root of -1. A lane that is off the curve comes out as the identity.
pub fn decode(encodings: [&[u8; 32]; LANES]) -> (Affine4, [bool; LANES]) {
    let y = Field4::from_bytes(encodings);
    let yy = y.square();
    let u = yy.sub(&Field4::ONE);
    let v = yy.mul(&D).add(&Field4::ONE);
    let v3 = v.square().mul(&v);
    let v7 = v3.square().mul(&v);
    let power = u.mul(&v7).power_p58();
    let root = u.mul(&v3).mul(&power);
    let check = root.square().mul(&v).to_bytes();
    let (plus, minus) = (u.reduce().to_bytes(), Field4::ZERO.sub(&u.reduce()).to_bytes());
    let direct: [bool; LANES] = std::array::from_fn(|lane| check[lane] == plus[lane]);
    let turned: [bool; LANES] = std::array::from_fn(|lane| check[lane] == minus[lane]);
    let x = root.mul(&SQRT_M1).select(&root, direct);
    let parity = x.to_bytes();
    let negate = std::array::from_fn(|lane| parity[lane][0] & 1 != encodings[lane][31] >> 7);
    let x = x.select(&Field4::ZERO.sub(&x).reduce(), negate);
    let on_curve: [bool; LANES] = std::array::from_fn(|lane| direct[lane] || turned[lane]);
    let points = Affine4 { x: Field4::ZERO.select(&x, on_curve), y: Field4::ONE.select(&y, on_curve) };
    (points, on_curve)
}

impl Affine4 {
    pub fn projective(&self) -> Projective4 {
        Projective4 { x: self.x, y: self.y, z: Field4::ONE }
    }

    /// Each for itself, ready to be added.
    pub fn cached(&self) -> [Cached; LANES] {
        let two = Field4::ONE.add(&Field4::ONE);
        let t2d = self.x.mul(&self.y).mul(&D.add(&D));
        transpose([self.y.sub(&self.x), self.y.add(&self.x), two, t2d]).map(Cached)
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
        self.double().double().double()
    }

    /// Hisil, Wong, Carter, Dawson, ASIACRYPT 2008, section 3.3 for a = -1, without T.
    fn double(&self) -> Projective4 {
        let (xx, yy, zz) = (self.x.square(), self.y.square(), self.z.square());
        let h = yy.add(&xx);
        let e = self.x.add(&self.y).square().sub(&xx).reduce().sub(&yy);
        let g = yy.sub(&xx);
        let f = zz.add(&zz).add(&xx).sub(&yy).reduce();
        Projective4 { x: e.mul(&f), y: h.mul(&g), z: f.mul(&g) }
    }
}

/// The coordinates of many points, with one inversion (Montgomery's trick). Z is never zero on this curve.
pub fn normalize(points: &[Projective4]) -> Vec<Affine4> {
    let mut product = Field4::ONE;
    let before: Vec<Field4> = points
        .iter()
        .map(|point| {
            let before = product;
            product = product.mul(&point.z);
            before
        })
        .collect();
    let mut inverse = product.invert();
    let mut result: Vec<Affine4> = points
        .iter()
        .zip(before)
        .rev()
        .map(|(point, before)| {
            let of_z = inverse.mul(&before);
            inverse = inverse.mul(&point.z);
            Affine4 { x: point.x.mul(&of_z), y: point.y.mul(&of_z) }
        })
        .collect();
    result.reverse();
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::EdwardsPoint;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::CompressedEdwardsY;

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
        let strings = strings(1000);
        let mut on = 0;
        for four in strings.chunks_exact(LANES) {
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
    }

    #[test]
    fn adding_as_dalek() {
        let strings = strings(400);
        let decoded: Vec<(Affine4, [bool; LANES])> =
            strings.chunks_exact(LANES).map(|four| decode(std::array::from_fn(|lane| &four[lane]))).collect();
        let (mut sum, mut expected) = (Point::IDENTITY, EdwardsPoint::default());
        for (i, ((points, on_curve), four)) in decoded.iter().zip(strings.chunks_exact(LANES)).enumerate() {
            for (lane, cached) in points.cached().iter().enumerate() {
                let point = CompressedEdwardsY(four[lane]).decompress().filter(|_| on_curve[lane]).unwrap_or_default();
                if (i + lane) % 3 == 0 {
                    sum = sum.add(&cached.negate());
                    expected -= point;
                } else {
                    sum = sum.add(cached);
                    expected += point;
                }
                let twice = sum.double();
                assert_eq!(twice.encode(), (expected + expected).compress().0);
                assert_eq!(sum.encode(), expected.compress().0);
            }
        }
    }
}
