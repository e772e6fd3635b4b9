//! One point at a time, its four coordinates side by side.
use super::bound::Tight;
use super::decode::{self, Projective4};
use super::field::{Field4, LANES, TWICE_D, small};
use super::simd::{Simd, dispatch};

/// X, Y, Z, T with x = X/Z, y = Y/Z, T = XY/Z.
#[derive(Clone, Copy)]
pub struct Point(pub(super) Field4<Tight>);

/// What an addition wants of its second point: Y - X, Y + X, 2Z, 2dT.
#[derive(Clone, Copy)]
pub struct Cached(pub(super) Field4<Tight>);

impl Point {
    pub const IDENTITY: Point = Point(Field4::pack([&small(0), &small(1), &small(1), &small(0)]));

    /// Complete: right for equal points and the identity too (Hisil, Wong, Carter, Dawson, ASIACRYPT 2008, section 3.1).
    #[inline(always)]
    pub(super) fn add<S: Simd>(&self, s: S, other: &Cached) -> Point {
        // A = (Y1 - X1)(Y2 - X2), B = (Y1 + X1)(Y2 + X2), D = Z1 2Z2, C = T1 2dT2
        let products = self.0.difference_and_sum().mul(s, &other.0);
        // E = B - A, G = D + C, F = D - C, H = B + A; X3 = E F, Y3 = G H, Z3 = F G, T3 = E H
        let [left, right] = products.cross::<false>();
        Point(left.mul(s, &right))
    }

    /// The same for -X2 and -T2.
    #[inline(always)]
    pub(super) fn sub<S: Simd>(&self, s: S, other: &Cached) -> Point {
        let products = self.0.difference_and_sum().mul(s, &other.0.swap());
        let [left, right] = products.cross::<true>();
        Point(left.mul(s, &right))
    }

    #[inline(always)]
    pub(super) fn cached<S: Simd>(&self, s: S) -> Cached {
        const FACTORS: Field4<Tight> = Field4::pack([&small(1), &small(1), &small(2), &TWICE_D]);
        Cached(self.0.difference_and_sum().mul(s, &FACTORS))
    }

    #[inline(always)]
    pub(super) fn double<S: Simd>(&self, s: S) -> Point {
        self.add(s, &self.cached(s))
    }

    pub fn eight_times(&self) -> Point {
        dispatch!(s => self.double(s).double(s).double(s))
    }

    pub fn encode(&self) -> [u8; 32] {
        encode_many(std::slice::from_ref(self))[0]
    }
}

impl Cached {
    pub fn negate(&self) -> Cached {
        Cached(self.0.swap().negate_last())
    }
}

/// count · point, bit by bit.
#[inline(always)]
fn times<S: Simd>(s: S, point: &Point, count: u64) -> Point {
    let addend = point.cached(s);
    let mut product = Point::IDENTITY;
    for bit in (0..u64::BITS - count.leading_zeros()).rev() {
        product = product.double(s);
        if count >> bit & 1 == 1 {
            product = product.add(s, &addend);
        }
    }
    product
}

/// Each sum grows by the point at its place.
pub fn add_each(sums: &mut [Point], points: &[Cached]) {
    dispatch!(s => {
        for (sum, point) in sums.iter_mut().zip(points) {
            *sum = sum.add(s, point);
        }
    });
}

pub fn sub_each(sums: &mut [Point], points: &[Cached]) {
    dispatch!(s => {
        for (sum, point) in sums.iter_mut().zip(points) {
            *sum = sum.sub(s, point);
        }
    });
}

/// Each sum grows by `count` times the point at its place.
pub fn add_each_times(sums: &mut [Point], points: &[Point], count: u64) {
    dispatch!(s => {
        for (sum, point) in sums.iter_mut().zip(points) {
            *sum = sum.add(s, &times(s, point, count).cached(s));
        }
    });
}

pub fn sum_of<'a>(points: impl Iterator<Item = &'a Cached>) -> Point {
    dispatch!(s => {
        let mut sum = Point::IDENTITY;
        for point in points {
            sum = sum.add(s, point);
        }
        sum
    })
}

/// The canonical encodings, with one inversion for all.
pub fn encode_many(points: &[Point]) -> Vec<[u8; 32]> {
    let fours: Vec<Projective4> = points
        .chunks(LANES)
        .map(|four| Projective4::from_points(std::array::from_fn(|lane| four.get(lane).unwrap_or(&Point::IDENTITY))))
        .collect();
    let mut encodings: Vec<[u8; 32]> = decode::normalize(&fours).iter().flat_map(|four| four.encode()).collect();
    encodings.truncate(points.len());
    encodings
}
