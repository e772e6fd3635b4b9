//! One point at a time, its four coordinates side by side.
use super::decode::{Projective4, normalize};
use super::field::{D, Field4, LANES, LIMBS, TWICE_P};

/// X, Y, Z, T with x = X/Z, y = Y/Z, T = XY/Z; tight.
#[derive(Clone, Copy)]
pub struct Point(pub Field4);

/// What an addition wants of its second point: Y - X, Y + X, 2Z, 2dT; e < 1.6.
#[derive(Clone, Copy)]
pub struct Cached(pub Field4);

impl Point {
    pub const IDENTITY: Point = {
        let mut coordinates = [[0; LANES]; LIMBS];
        coordinates[0] = [0, 1, 1, 0];
        Point(Field4(coordinates))
    };

    /// Complete: right for equal points and the identity too (Hisil, Wong, Carter, Dawson, ASIACRYPT 2008, section 3.1).
    #[inline]
    pub fn add(&self, other: &Cached) -> Point {
        // A = (Y1 - X1)(Y2 - X2), B = (Y1 + X1)(Y2 + X2), D = Z1 2Z2, C = T1 2dT2
        let products = self.spread().mul(&other.0);
        // E = B - A, G = D + C, F = D - C, H = B + A; X3 = E F, Y3 = G H, Z3 = F G, T3 = E H
        let mut left = Field4::ZERO;
        let mut right = Field4::ZERO;
        for i in 0..LIMBS {
            let [a, b, d, c] = products.0[i];
            let e = b.wrapping_add(TWICE_P[i]).wrapping_sub(a);
            let f = d.wrapping_add(TWICE_P[i]).wrapping_sub(c);
            let (g, h) = (d.wrapping_add(c), b.wrapping_add(a));
            left.0[i] = [e, g, f, e];
            right.0[i] = [f, h, g, h];
        }
        Point(left.mul(&right))
    }

    /// Y - X, Y + X, Z, T
    #[inline(always)]
    fn spread(&self) -> Field4 {
        Field4(std::array::from_fn(|i| {
            let [x, y, z, t] = self.0.0[i];
            [y.wrapping_add(TWICE_P[i]).wrapping_sub(x), y.wrapping_add(x), z, t]
        }))
    }

    pub fn cached(&self) -> Cached {
        const FACTORS: Field4 = {
            let mut factors = [[0; LANES]; LIMBS];
            let mut i = 0;
            while i < LIMBS {
                factors[i][3] = 2 * D.0[i][0];
                i += 1;
            }
            factors[0] = [1, 1, 2, 2 * D.0[0][0]];
            Field4(factors)
        };
        Cached(self.spread().mul(&FACTORS))
    }

    pub fn double(&self) -> Point {
        self.add(&self.cached())
    }

    /// count · self, bit by bit.
    pub fn times(&self, count: u64) -> Point {
        let addend = self.cached();
        (0..u64::BITS - count.leading_zeros()).rev().fold(Point::IDENTITY, |sum, bit| {
            let sum = sum.double();
            if count >> bit & 1 == 1 { sum.add(&addend) } else { sum }
        })
    }

    pub fn eight_times(&self) -> Point {
        self.double().double().double()
    }

    pub fn encode(&self) -> [u8; 32] {
        encode_many(std::slice::from_ref(self))[0]
    }
}

impl Cached {
    pub fn negate(&self) -> Cached {
        Cached(Field4(std::array::from_fn(|i| {
            let [minus, plus, z, t] = self.0.0[i];
            [plus, minus, z, TWICE_P[i].wrapping_sub(t)]
        })))
    }
}

/// The canonical encodings, with one inversion for all.
pub fn encode_many(points: &[Point]) -> Vec<[u8; 32]> {
    let fours: Vec<Projective4> = points
        .chunks(LANES)
        .map(|four| Projective4::from_points(std::array::from_fn(|lane| four.get(lane).unwrap_or(&Point::IDENTITY))))
        .collect();
    let mut encodings: Vec<[u8; 32]> = normalize(&fours).iter().flat_map(|four| four.encode()).collect();
    encodings.truncate(points.len());
    encodings
}
