//! Four elements of the field of 2^255 - 19 at a time, in limbs as `bound` describes them.
use std::marker::PhantomData;

use super::bound::{Bound, Grows, LIMBS, Loose, TWICE_P, Tight, WIDTH, Wide, Within, mask};
use super::product;
use super::simd::Simd;

pub const LANES: usize = 4;

/// The same limb of four elements.
pub type Limb = [u32; LANES];

/// Four elements whose limbs are within the bound `B`. Only this file sees limbs, so only this file has to keep that.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub struct Field4<B> {
    limbs: [Limb; LIMBS],
    bound: PhantomData<B>,
}

const OFFSET: [usize; LIMBS] = [0, 26, 51, 77, 102, 128, 153, 179, 204, 230];

/// The limbs of 255 bits, little-endian; the highest bit is ignored.
const fn limbs(bytes: &[u8; 32]) -> [u32; LIMBS] {
    let mut result = [0; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        let (byte, shift) = (OFFSET[i] / 8, OFFSET[i] % 8);
        let mut window = 0u64;
        let mut k = 0;
        while k < 5 && byte + k < 32 {
            window |= (bytes[byte + k] as u64) << (8 * k);
            k += 1;
        }
        result[i] = (window >> shift) as u32 & mask(i);
        i += 1;
    }
    result
}

pub const fn small(number: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = number;
    bytes
}

/// -121665/121666, the curve's d.
const D: [u8; 32] = [
    0xa3, 0x78, 0x59, 0x13, 0xca, 0x4d, 0xeb, 0x75, 0xab, 0xd8, 0x41, 0x41, 0x4d, 0x0a, 0x70, 0x00, 0x98, 0xe8, 0x79,
    0x77, 0x79, 0x40, 0xc7, 0x8c, 0x73, 0xfe, 0x6f, 0x2b, 0xee, 0x6c, 0x03, 0x52,
];

/// 2d
pub const TWICE_D: [u8; 32] = [
    0x59, 0xf1, 0xb2, 0x26, 0x94, 0x9b, 0xd6, 0xeb, 0x56, 0xb1, 0x83, 0x82, 0x9a, 0x14, 0xe0, 0x00, 0x30, 0xd1, 0xf3,
    0xee, 0xf2, 0x80, 0x8e, 0x19, 0xe7, 0xfc, 0xdf, 0x56, 0xdc, 0xd9, 0x06, 0x24,
];

/// A square root of -1.
const SQRT_M1: [u8; 32] = [
    0xb0, 0xa0, 0x0e, 0x4a, 0x27, 0x1b, 0xee, 0xc4, 0x78, 0xe4, 0x2f, 0xad, 0x06, 0x18, 0x43, 0x2f, 0xa7, 0xd7, 0xfb,
    0x3d, 0x99, 0x00, 0x4d, 0x2b, 0x0b, 0xdf, 0xc1, 0x4f, 0x80, 0x24, 0x83, 0x2b,
];

/// The exponent 2^250 - 1, with which those of square roots and inverses begin, is 250 ones. Each step takes the value before
/// it (at first the element itself, one one), squares it so often, and so makes room for the ones of an earlier value.
const CHAIN_OF_ONES: [(usize, usize); 10] = [
    (1, 0), // 2 ones
    (2, 1),
    (1, 0), // 5
    (5, 3),
    (10, 4),
    (20, 5),
    (10, 4), // 50
    (50, 7),
    (100, 8),
    (50, 7), // 250
];

impl Field4<Tight> {
    pub const ZERO: Self = Self::splat(&small(0));
    pub const ONE: Self = Self::splat(&small(1));
    pub const TWO: Self = Self::splat(&small(2));
    pub const D: Self = Self::splat(&D);
    pub const TWICE_D: Self = Self::splat(&TWICE_D);
    pub const SQRT_M1: Self = Self::splat(&SQRT_M1);

    /// The same element four times.
    const fn splat(bytes: &[u8; 32]) -> Self {
        Self::pack([bytes; LANES])
    }

    /// Four elements; the highest bit of each is ignored, and values from p up are taken modulo p.
    pub const fn pack(bytes: [&[u8; 32]; LANES]) -> Self {
        let mut result = [[0; LANES]; LIMBS];
        let mut lane = 0;
        while lane < LANES {
            let limbs = limbs(bytes[lane]);
            let mut i = 0;
            while i < LIMBS {
                result[i][lane] = limbs[i];
                i += 1;
            }
            lane += 1;
        }
        Field4 { limbs: result, bound: PhantomData }
    }

    /// The canonical encodings.
    #[inline(always)]
    pub fn to_bytes(self) -> [[u8; 32]; LANES] {
        let mut encodings = [[0; 32]; LANES];
        for lane in 0..LANES {
            encodings[lane] = encode(std::array::from_fn(|i| self.limbs[i][lane]));
        }
        encodings
    }

    #[inline(always)]
    pub fn negate(&self) -> Field4<Tight> {
        Self::ZERO.sub(self).reduce()
    }

    /// self^(2^250 - 1)
    #[inline(always)]
    fn power_of_250_ones<S: Simd>(&self, s: S) -> Field4<Tight> {
        let mut values = [*self; CHAIN_OF_ONES.len() + 1];
        for (step, (squarings, earlier)) in CHAIN_OF_ONES.iter().enumerate() {
            values[step + 1] = values[step].square_times(s, *squarings).mul(s, &values[*earlier]);
        }
        values[CHAIN_OF_ONES.len()]
    }

    /// self^(2^count)
    #[inline(always)]
    fn square_times<S: Simd>(&self, s: S, count: usize) -> Field4<Tight> {
        let mut result = *self;
        for _ in 0..count {
            result = result.square(s);
        }
        result
    }

    /// self^(p - 2) = self^(2^255 - 21), so zero for zero.
    #[inline(always)]
    pub fn invert<S: Simd>(&self, s: S) -> Field4<Tight> {
        let eleventh = self.square_times(s, 3).mul(s, &self.square(s).mul(s, self));
        self.power_of_250_ones(s).square_times(s, 5).mul(s, &eleventh)
    }

    /// self^((p - 5)/8) = self^(2^252 - 3), from which square roots are made.
    #[inline(always)]
    pub fn power_p58<S: Simd>(&self, s: S) -> Field4<Tight> {
        self.power_of_250_ones(s).square_times(s, 2).mul(s, self)
    }
}

impl<B: Bound> Field4<B> {
    /// The one place where limbs get a bound; tests hold every one of them against it.
    #[inline(always)]
    fn bounded(limbs: [Limb; LIMBS]) -> Self {
        #[cfg(test)]
        for (limb, largest) in limbs.iter().zip(B::LARGEST) {
            assert!(limb.iter().all(|&value| u64::from(value) <= largest), "a limb is out of its bounds");
        }
        Field4 { limbs, bound: PhantomData }
    }

    #[inline(always)]
    pub fn add<C: Within<B>>(&self, other: &Field4<C>) -> Field4<B::Grown>
    where
        B: Grows,
    {
        let mut sum = [[0; LANES]; LIMBS];
        for i in 0..LIMBS {
            for lane in 0..LANES {
                sum[i][lane] = self.limbs[i][lane].wrapping_add(other.limbs[i][lane]);
            }
        }
        Field4::bounded(sum)
    }

    #[inline(always)]
    pub fn sub(&self, other: &Field4<Tight>) -> Field4<B::Grown>
    where
        B: Grows,
    {
        let mut difference = [[0; LANES]; LIMBS];
        for i in 0..LIMBS {
            for lane in 0..LANES {
                difference[i][lane] = subtract(i, self.limbs[i][lane], other.limbs[i][lane]);
            }
        }
        Field4::bounded(difference)
    }

    /// Every limb hands on what exceeds its width.
    #[inline(always)]
    pub fn reduce(&self) -> Field4<Tight> {
        let mut result = self.limbs;
        for lane in 0..LANES {
            let limb: [u32; LIMBS] = std::array::from_fn(|i| self.limbs[i][lane]);
            result[0][lane] = (limb[0] & mask(0)).wrapping_add((limb[9] >> WIDTH[9]).wrapping_mul(19));
            for i in 1..LIMBS {
                result[i][lane] = (limb[i] & mask(i)).wrapping_add(limb[i - 1] >> WIDTH[i - 1]);
            }
        }
        Field4::bounded(result)
    }

    #[inline(always)]
    pub fn mul<S: Simd, C: Within<Loose>>(&self, s: S, other: &Field4<C>) -> Field4<Tight>
    where
        B: Within<Wide>,
    {
        Field4::bounded(product::mul(s, &self.limbs, &other.limbs))
    }

    #[inline(always)]
    pub fn square<S: Simd>(&self, s: S) -> Field4<Tight>
    where
        B: Within<Loose>,
    {
        Field4::bounded(product::square(s, &self.limbs))
    }

    /// Lane by lane: `other` where that is chosen.
    #[inline(always)]
    pub fn select(&self, other: &Field4<B>, choose_other: [bool; LANES]) -> Field4<B> {
        let mut result = self.limbs;
        for i in 0..LIMBS {
            for lane in 0..LANES {
                result[i][lane] = if choose_other[lane] { other.limbs[i][lane] } else { self.limbs[i][lane] };
            }
        }
        Field4::bounded(result)
    }
}

/// Between the lanes a, b, c, d: what the addition of two points needs, whose coordinates lie side by side.
impl Field4<Tight> {
    /// (b - a, b + a, c, d)
    #[inline(always)]
    pub fn difference_and_sum(&self) -> Field4<Loose> {
        let mut result = [[0; LANES]; LIMBS];
        for i in 0..LIMBS {
            let [a, b, c, d] = self.limbs[i];
            result[i] = [subtract(i, b, a), b.wrapping_add(a), c, d];
        }
        Field4::bounded(result)
    }

    /// (b, a, c, d)
    #[inline(always)]
    pub fn swap(&self) -> Field4<Tight> {
        let mut result = [[0; LANES]; LIMBS];
        for i in 0..LIMBS {
            let [a, b, c, d] = self.limbs[i];
            result[i] = [b, a, c, d];
        }
        Field4::bounded(result)
    }

    /// (a, b, c, -d)
    #[inline(always)]
    pub fn negate_last(&self) -> Field4<Tight> {
        let mut result = self.limbs;
        for i in 0..LIMBS {
            result[i][3] = subtract(i, 0, self.limbs[i][3]);
        }
        Field4::<Loose>::bounded(result).reduce()
    }

    /// With e = b - a, f = c - d, g = c + d, h = b + a: (e, g, f, e) and (f, h, g, h); for -d, f and g change places.
    #[inline(always)]
    pub fn cross<const NEGATIVE_D: bool>(&self) -> [Field4<Loose>; 2] {
        let mut left = [[0; LANES]; LIMBS];
        let mut right = [[0; LANES]; LIMBS];
        for i in 0..LIMBS {
            let [a, b, c, d] = self.limbs[i];
            let (e, h) = (subtract(i, b, a), b.wrapping_add(a));
            let (difference, sum) = (subtract(i, c, d), c.wrapping_add(d));
            let (f, g) = if NEGATIVE_D { (sum, difference) } else { (difference, sum) };
            left[i] = [e, g, f, e];
            right[i] = [f, h, g, h];
        }
        [Field4::bounded(left), Field4::bounded(right)]
    }
}

/// a - b, as a + 2p - b, in limb i
#[inline(always)]
const fn subtract(i: usize, a: u32, b: u32) -> u32 {
    a.wrapping_add(TWICE_P[i]).wrapping_sub(b)
}

/// Element i of the result holds lane i of the four: rows become columns.
#[inline(always)]
pub fn transpose<B: Bound>(rows: [Field4<B>; LANES]) -> [Field4<B>; LANES] {
    let mut columns = rows;
    for row in 0..LANES {
        for column in 0..LANES {
            for i in 0..LIMBS {
                columns[column].limbs[i][row] = rows[row].limbs[i][column];
            }
        }
    }
    columns
}

/// The canonical encoding of one element with tight limbs, which is below 2p.
#[inline(always)]
fn encode(mut limb: [u32; LIMBS]) -> [u8; 32] {
    // value >= p exactly if value + 19 reaches 2^255.
    let mut carried = 19;
    for i in 0..LIMBS {
        carried = (limb[i] + carried) >> WIDTH[i];
    }
    let mut carried = 19 * carried;
    let mut words = [0u64; 4];
    for i in 0..LIMBS {
        limb[i] += carried;
        carried = limb[i] >> WIDTH[i];
        let value = u64::from(limb[i] & mask(i));
        let (word, shift) = (OFFSET[i] / 64, OFFSET[i] % 64);
        words[word] |= value << shift;
        if shift + WIDTH[i] as usize > 64 {
            words[word + 1] |= value >> (64 - shift);
        }
    }
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::simd::dispatch;
    use super::super::simd::paths::both;
    use super::*;

    /// A second implementation: numbers in 64 bytes, by schoolbook in base 256, reduced bit by bit. Slow and plain.
    mod slow {
        const P: [u8; 32] = {
            let mut p = [0xff; 32];
            p[0] = 0xed;
            p[31] = 0x7f;
            p
        };

        pub fn reduce(number: &[u8]) -> [u8; 32] {
            let mut rest = [0u16; 33];
            for bit in (0..8 * number.len()).rev() {
                let mut carry = u16::from(number[bit / 8] >> (bit % 8) & 1);
                for digit in &mut rest {
                    let value = *digit * 2 + carry;
                    *digit = value & 0xff;
                    carry = value >> 8;
                }
                let mut less = rest;
                let mut borrow = 0i32;
                for (i, digit) in less.iter_mut().enumerate() {
                    let value = i32::from(*digit) - i32::from(*P.get(i).unwrap_or(&0)) - borrow;
                    *digit = (value & 0xff) as u16;
                    borrow = i32::from(value < 0);
                }
                if borrow == 0 {
                    rest = less;
                }
            }
            std::array::from_fn(|i| rest[i] as u8)
        }

        pub fn mul(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
            let mut product = [0u32; 64];
            for i in 0..32 {
                for j in 0..32 {
                    product[i + j] += u32::from(a[i]) * u32::from(b[j]);
                    product[i + j + 1] += product[i + j] >> 8;
                    product[i + j] &= 0xff;
                }
            }
            for i in 0..63 {
                product[i + 1] += product[i] >> 8;
                product[i] &= 0xff;
            }
            reduce(&product.map(|digit| digit as u8))
        }

        pub fn add(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
            let mut sum = [0u8; 33];
            let mut carry = 0;
            for i in 0..32 {
                let value = u16::from(a[i]) + u16::from(b[i]) + carry;
                sum[i] = value as u8;
                carry = value >> 8;
            }
            sum[32] = carry as u8;
            reduce(&sum)
        }
    }

    /// Limbs of any size within the bound, with the extremes often: what a chain of operations seldom reaches by chance.
    fn any<B: Bound>() -> Field4<B> {
        let mut random = [0u8; 4 * LANES * LIMBS];
        getrandom::fill(&mut random).unwrap();
        let mut values = random.chunks_exact(4).map(|c| u32::from_le_bytes(c.try_into().unwrap()));
        Field4::bounded(std::array::from_fn(|i| {
            let largest = B::LARGEST[i];
            std::array::from_fn(|_| {
                let value = values.next().unwrap();
                match value % 4 {
                    0 => largest as u32,
                    1 => value & 1,
                    2 => (largest - u64::from(value >> 2) % 64) as u32,
                    _ => ((u64::from(value) * (largest + 1)) >> 32) as u32,
                }
            })
        }))
    }

    fn largest<B: Bound>() -> Field4<B> {
        Field4::bounded(B::LARGEST.map(|largest| [largest as u32; LANES]))
    }

    /// The value of a lane, limbs of any size.
    fn value<B: Bound>(element: &Field4<B>, lane: usize) -> [u8; 32] {
        let mut number = [0u8; 48];
        for i in 0..LIMBS {
            let mut carry = u64::from(element.limbs[i][lane]) << (OFFSET[i] % 8);
            for digit in &mut number[OFFSET[i] / 8..] {
                carry += u64::from(*digit);
                *digit = carry as u8;
                carry >>= 8;
            }
        }
        slow::reduce(&number)
    }

    fn each_lane(check: impl Fn(usize)) {
        (0..LANES).for_each(check);
    }

    fn check_product(f: Field4<Wide>, g: Field4<Loose>) {
        let (product, square) = dispatch!(s => (f.mul(s, &g), g.square(s)));
        each_lane(|lane| {
            let (a, b) = (value(&f, lane), value(&g, lane));
            assert_eq!(value(&product, lane), slow::mul(&a, &b));
            assert_eq!(value(&square, lane), slow::mul(&b, &b));
        });
    }

    #[test]
    fn products_of_extreme_limbs() {
        both(|| {
            check_product(largest(), largest());
            for _ in 0..300 {
                check_product(any(), any());
            }
        });
    }

    fn check_sums<B: Grows>(f: Field4<B>, g: Field4<B>, h: Field4<Tight>) {
        let (sum, difference) = (f.add(&g), f.sub(&h));
        each_lane(|lane| {
            assert_eq!(value(&sum, lane), slow::add(&value(&f, lane), &value(&g, lane)));
            assert_eq!(slow::add(&value(&difference, lane), &value(&h, lane)), value(&f, lane));
        });
    }

    #[test]
    fn sums_and_differences() {
        check_sums::<Tight>(largest(), largest(), largest());
        check_sums::<Loose>(largest(), largest(), largest());
        for _ in 0..1000 {
            check_sums::<Tight>(any(), any(), any());
            check_sums::<Loose>(any(), any(), any());
        }
    }

    #[test]
    fn reducing_and_encoding() {
        for _ in 0..2000 {
            let (wide, tight) = (any::<Wide>(), any::<Tight>());
            let (reduced, encoded, negated) = (wide.reduce(), tight.to_bytes(), tight.negate());
            each_lane(|lane| {
                assert_eq!(value(&reduced, lane), value(&wide, lane));
                assert_eq!(encoded[lane], value(&tight, lane));
                assert_eq!(slow::add(&value(&negated, lane), &encoded[lane]), [0; 32]);
            });
        }
    }

    #[test]
    fn encoding_near_the_prime() {
        for low in 0..=255u8 {
            for high in [0x7f, 0xff, 0x00, 0x80] {
                let mut bytes = if high & 0x7f == 0x7f { [0xff; 32] } else { [0; 32] };
                (bytes[0], bytes[31]) = (low, high);
                let mut masked = bytes;
                masked[31] &= 0x7f;
                let element = Field4::pack([&bytes, &masked, &[0; 32], &bytes]);
                let expected = slow::reduce(&masked);
                assert_eq!(element.to_bytes(), [expected, expected, [0; 32], expected]);
            }
        }
    }

    fn splat_small(number: u32) -> Field4<Tight> {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Field4::splat(&bytes)
    }

    #[test]
    fn powers_and_constants() {
        const ZERO: [[u8; 32]; LANES] = [[0; 32]; LANES];
        both(|| {
            for _ in 0..50 {
                let f = any::<Tight>();
                assert_eq!(dispatch!(s => f.mul(s, &f.invert(s))).to_bytes(), Field4::ONE.to_bytes());
                // (f^((p-5)/8))^8 · f^4 = f^(p-1)
                let power = dispatch!(s => f.power_p58(s).square_times(s, 3).mul(s, &f.square_times(s, 2)));
                assert_eq!(power.to_bytes(), Field4::ONE.to_bytes());
            }
            assert_eq!(dispatch!(s => Field4::ZERO.invert(s)).to_bytes(), ZERO);
            assert_eq!(dispatch!(s => Field4::SQRT_M1.square(s)).add(&Field4::ONE).reduce().to_bytes(), ZERO);
            let sum = dispatch!(s => Field4::D.mul(s, &splat_small(121_666))).add(&splat_small(121_665)).reduce();
            assert_eq!(sum.to_bytes(), ZERO);
            assert_eq!(Field4::D.add(&Field4::D).reduce().to_bytes(), Field4::TWICE_D.to_bytes());
        });
    }

    /// What the addition of points does between its lanes.
    #[test]
    fn lanes_between_each_other() {
        let values = |element: &Field4<Loose>| -> [[u8; 32]; LANES] { std::array::from_fn(|i| value(element, i)) };
        for _ in 0..1000 {
            let f = any::<Tight>();
            let [a, b, c, d] = f.to_bytes();
            let [minus_a, _, _, minus_d] = f.negate().to_bytes();
            let (e, h) = (slow::add(&b, &minus_a), slow::add(&b, &a));
            let (minus, plus) = (slow::add(&c, &minus_d), slow::add(&c, &d));
            assert_eq!(values(&f.difference_and_sum()), [e, h, c, d]);
            assert_eq!(f.swap().to_bytes(), [b, a, c, d]);
            assert_eq!(f.negate_last().to_bytes(), [a, b, c, minus_d]);
            let (positive, negative) = (f.cross::<false>(), f.cross::<true>());
            assert_eq!(positive.each_ref().map(values), [[e, plus, minus, e], [minus, h, plus, h]]);
            assert_eq!(negative.each_ref().map(values), [[e, minus, plus, e], [plus, h, minus, h]]);
        }
    }

    #[test]
    fn rows_and_columns() {
        let rows: [Field4<Tight>; LANES] = std::array::from_fn(|_| any());
        let columns = transpose(rows);
        for (i, row) in rows.iter().enumerate() {
            each_lane(|lane| assert_eq!(value(row, lane), value(&columns[lane], i)));
        }
    }
}
