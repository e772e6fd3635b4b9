//! Four elements of the field of 2^255 - 19 at a time, in ten limbs of 26 and 25 bits by turns.
//!
//! Limb i has the weight 2^ceil(25.5 i). Limbs are unsigned and may be larger than their weight's width; what a function
//! takes and gives is said as a number of excess bits e: even limbs are below 2^(26+e), odd limbs below 2^(25+e).
//! *Tight* is e < 0.01, the excess that a carry leaves behind. Debug builds check what is said.

use super::product;

pub const LANES: usize = 4;
pub const LIMBS: usize = 10;

/// The same limb of four elements.
pub type Limb = [u32; LANES];

#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub struct Field4(pub [Limb; LIMBS]);

pub const WIDTH: [u32; LIMBS] = [26, 25, 26, 25, 26, 25, 26, 25, 26, 25];
const OFFSET: [usize; LIMBS] = [0, 26, 51, 77, 102, 128, 153, 179, 204, 230];

pub const fn mask(limb: usize) -> u32 {
    (1 << WIDTH[limb]) - 1
}

/// 2p in limbs that are each at least as large as a tight limb: a - b = a + 2p - b without a borrow.
pub const TWICE_P: [u32; LIMBS] = {
    let mut limbs = [0; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        limbs[i] = 2 * mask(i);
        i += 1;
    }
    limbs[0] = 2 * (mask(0) - 18);
    limbs
};

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

/// -121665/121666, the curve's d.
pub const D: Field4 = Field4::splat(&[
    0xa3, 0x78, 0x59, 0x13, 0xca, 0x4d, 0xeb, 0x75, 0xab, 0xd8, 0x41, 0x41, 0x4d, 0x0a, 0x70, 0x00, 0x98, 0xe8, 0x79,
    0x77, 0x79, 0x40, 0xc7, 0x8c, 0x73, 0xfe, 0x6f, 0x2b, 0xee, 0x6c, 0x03, 0x52,
]);

/// A square root of -1.
pub const SQRT_M1: Field4 = Field4::splat(&[
    0xb0, 0xa0, 0x0e, 0x4a, 0x27, 0x1b, 0xee, 0xc4, 0x78, 0xe4, 0x2f, 0xad, 0x06, 0x18, 0x43, 0x2f, 0xa7, 0xd7, 0xfb,
    0x3d, 0x99, 0x00, 0x4d, 0x2b, 0x0b, 0xdf, 0xc1, 0x4f, 0x80, 0x24, 0x83, 0x2b,
]);

impl Field4 {
    pub const ZERO: Field4 = Field4::splat(&[0; 32]);
    pub const ONE: Field4 = {
        let mut one = [0; 32];
        one[0] = 1;
        Field4::splat(&one)
    };

    /// The same element four times.
    pub const fn splat(bytes: &[u8; 32]) -> Field4 {
        let limbs = limbs(bytes);
        let mut result = [[0; LANES]; LIMBS];
        let mut i = 0;
        while i < LIMBS {
            result[i] = [limbs[i]; LANES];
            i += 1;
        }
        Field4(result)
    }

    /// Four elements, tight; the highest bit of each is ignored, and values from p up are taken modulo p.
    pub fn from_bytes(bytes: [&[u8; 32]; LANES]) -> Field4 {
        let elements = bytes.map(limbs);
        Field4(std::array::from_fn(|i| std::array::from_fn(|lane| elements[lane][i])))
    }

    /// The canonical encodings, of elements with e <= 1.
    pub fn to_bytes(self) -> [[u8; 32]; LANES] {
        let tight = self.reduce();
        std::array::from_fn(|lane| encode(std::array::from_fn(|i| tight.0[i][lane])))
    }

    /// Which lanes are zero modulo p, of elements with e <= 1.
    pub fn is_zero(self) -> [bool; LANES] {
        self.to_bytes().map(|bytes| bytes == [0; 32])
    }

    /// e is the larger of the two, plus one.
    #[inline(always)]
    pub fn add(&self, other: &Field4) -> Field4 {
        Field4(std::array::from_fn(|i| std::array::from_fn(|lane| self.0[i][lane].wrapping_add(other.0[i][lane]))))
    }

    /// For tight `other`. Tight `self` gives e < 1.6.
    #[inline(always)]
    pub fn sub(&self, other: &Field4) -> Field4 {
        debug_assert!(other.excess_at_most(20));
        Field4(std::array::from_fn(|i| {
            std::array::from_fn(|lane| self.0[i][lane].wrapping_add(TWICE_P[i]).wrapping_sub(other.0[i][lane]))
        }))
    }

    /// Tight from e <= 5: every limb hands on its excess once.
    #[inline(always)]
    pub fn reduce(&self) -> Field4 {
        let mut result = *self;
        for lane in 0..LANES {
            let limb: [u32; LIMBS] = std::array::from_fn(|i| self.0[i][lane]);
            result.0[0][lane] = (limb[0] & mask(0)).wrapping_add((limb[9] >> 25).wrapping_mul(19));
            for i in 1..LIMBS {
                result.0[i][lane] = (limb[i] & mask(i)).wrapping_add(limb[i - 1] >> WIDTH[i - 1]);
            }
        }
        result
    }

    /// Tight. `self` may have e <= 3, `other` e <= 1.7: then 19 times a limb fits 32 bits and ten products 64.
    #[inline]
    pub fn mul(&self, other: &Field4) -> Field4 {
        debug_assert!(self.excess_at_most(300) && other.excess_at_most(170));
        Field4(product::mul(&self.0, &other.0))
    }

    /// Tight, from e <= 1.7.
    #[inline]
    pub fn square(&self) -> Field4 {
        debug_assert!(self.excess_at_most(170));
        Field4(product::square(&self.0))
    }

    /// self^(2^count)
    fn square_times(&self, count: usize) -> Field4 {
        let mut result = self.square();
        for _ in 1..count {
            result = result.square();
        }
        result
    }

    /// (self^(2^250 - 1), self^11): what both powers below begin with.
    fn power_of_250_ones(&self) -> (Field4, Field4) {
        let two = self.square();
        let nine = two.square_times(2).mul(self);
        let eleven = nine.mul(&two);
        let ones5 = eleven.square().mul(&nine);
        let ones10 = ones5.square_times(5).mul(&ones5);
        let ones20 = ones10.square_times(10).mul(&ones10);
        let ones40 = ones20.square_times(20).mul(&ones20);
        let ones50 = ones40.square_times(10).mul(&ones10);
        let ones100 = ones50.square_times(50).mul(&ones50);
        let ones200 = ones100.square_times(100).mul(&ones100);
        (ones200.square_times(50).mul(&ones50), eleven)
    }

    /// self^(p - 2), so zero for zero.
    pub fn invert(&self) -> Field4 {
        let (ones250, eleven) = self.power_of_250_ones();
        ones250.square_times(5).mul(&eleven)
    }

    /// self^((p - 5)/8) = self^(2^252 - 3), from which square roots are made.
    pub fn power_p58(&self) -> Field4 {
        let (ones250, _) = self.power_of_250_ones();
        ones250.square_times(2).mul(self)
    }

    /// In each lane, `other` where it says so.
    pub fn select(&self, other: &Field4, choose_other: [bool; LANES]) -> Field4 {
        Field4(std::array::from_fn(|i| {
            std::array::from_fn(|lane| if choose_other[lane] { other.0[i][lane] } else { self.0[i][lane] })
        }))
    }

    /// Is e at most this many hundredths? For debug builds.
    fn excess_at_most(&self, hundredths: u32) -> bool {
        self.0.iter().zip(WIDTH).all(|(limb, width)| {
            let bound = f64::from(width) + f64::from(hundredths) / 100.0;
            limb.iter().all(|&value| f64::from(value) < bound.exp2())
        })
    }
}

/// Element i of the result holds lane i of the four: rows become columns.
pub fn transpose(rows: [Field4; LANES]) -> [Field4; LANES] {
    std::array::from_fn(|column| Field4(std::array::from_fn(|i| std::array::from_fn(|row| rows[row].0[i][column]))))
}

/// The canonical encoding of one element with tight limbs, which is below 2p.
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

    /// Limbs of any size up to e, with the extremes often: what a chain of operations seldom reaches by chance.
    fn limbs_up_to(hundredths: u32) -> Field4 {
        let mut random = [0u8; 4 * LANES * LIMBS];
        getrandom::fill(&mut random).unwrap();
        let mut values = random.chunks_exact(4).map(|c| u32::from_le_bytes(c.try_into().unwrap()));
        Field4(std::array::from_fn(|i| {
            let bound = (f64::from(WIDTH[i]) + f64::from(hundredths) / 100.0).exp2() as u64;
            std::array::from_fn(|_| {
                let value = values.next().unwrap();
                match value % 4 {
                    0 => (bound - 1) as u32,
                    1 => value & 1,
                    2 => (bound - 1 - u64::from(value >> 2) % 64) as u32,
                    _ => (u64::from(value) * bound >> 32) as u32,
                }
            })
        }))
    }

    /// The value of a lane, limbs of any size.
    fn value(element: &Field4, lane: usize) -> [u8; 32] {
        let mut number = [0u8; 48];
        for i in 0..LIMBS {
            let mut carry = u64::from(element.0[i][lane]) << (OFFSET[i] % 8);
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

    const TIGHT: u32 = 1;

    #[test]
    fn products_of_extreme_limbs() {
        for _ in 0..300 {
            let (f, g) = (limbs_up_to(300), limbs_up_to(169));
            let (product, square) = (f.mul(&g), g.square());
            assert!(product.excess_at_most(TIGHT) && square.excess_at_most(TIGHT));
            each_lane(|lane| {
                let (a, b) = (value(&f, lane), value(&g, lane));
                assert_eq!(value(&product, lane), slow::mul(&a, &b));
                assert_eq!(value(&square, lane), slow::mul(&b, &b));
            });
        }
    }

    #[test]
    fn all_limbs_at_their_bound() {
        let f = Field4(std::array::from_fn(|i| [(f64::from(WIDTH[i]) + 3.0).exp2() as u32 - 1; LANES]));
        let g = Field4(std::array::from_fn(|i| [(f64::from(WIDTH[i]) + 1.7).exp2() as u32 - 1; LANES]));
        assert_eq!(value(&f.mul(&g), 0), slow::mul(&value(&f, 0), &value(&g, 0)));
        assert_eq!(value(&g.square(), 0), slow::mul(&value(&g, 0), &value(&g, 0)));
    }

    #[test]
    fn sums_and_differences() {
        for _ in 0..2000 {
            let (f, g) = (limbs_up_to(0), limbs_up_to(TIGHT));
            let (sum, difference) = (f.add(&g), f.sub(&g));
            assert!(sum.excess_at_most(101) && difference.excess_at_most(160));
            each_lane(|lane| {
                assert_eq!(value(&sum, lane), slow::add(&value(&f, lane), &value(&g, lane)));
                assert_eq!(slow::add(&value(&difference, lane), &value(&g, lane)), value(&f, lane));
            });
        }
    }

    #[test]
    fn reducing_and_encoding() {
        for _ in 0..2000 {
            let loose = limbs_up_to(499);
            let tight = loose.reduce();
            assert!(tight.excess_at_most(TIGHT));
            let f = limbs_up_to(100);
            each_lane(|lane| {
                assert_eq!(value(&tight, lane), value(&loose, lane));
                assert_eq!(f.to_bytes()[lane], value(&f, lane));
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
                let element = Field4::from_bytes([&bytes, &masked, &[0; 32], &bytes]);
                let expected = slow::reduce(&masked);
                assert_eq!(element.to_bytes(), [expected, expected, [0; 32], expected]);
                assert_eq!(element.is_zero()[0], expected == [0; 32]);
            }
        }
    }

    #[test]
    fn powers_and_constants() {
        for _ in 0..50 {
            let f = limbs_up_to(TIGHT);
            assert_eq!(f.mul(&f.invert()).to_bytes(), Field4::ONE.to_bytes());
            // (f^((p-5)/8))^8 · f^4 = f^(p-1)
            let power = f.power_p58().square_times(3).mul(&f.square_times(2));
            assert_eq!(power.to_bytes(), Field4::ONE.to_bytes());
        }
        assert_eq!(Field4::ZERO.invert().to_bytes(), Field4::ZERO.to_bytes());
        assert_eq!(SQRT_M1.square().add(&Field4::ONE).is_zero(), [true; LANES]);
        let small = |n: u32| {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&n.to_le_bytes());
            Field4::splat(&bytes)
        };
        assert_eq!(D.mul(&small(121_666)).add(&small(121_665)).is_zero(), [true; LANES]);
    }

    #[test]
    fn rows_and_columns() {
        let rows: [Field4; LANES] = std::array::from_fn(|_| limbs_up_to(TIGHT));
        let columns = transpose(rows);
        for (i, row) in rows.iter().enumerate() {
            each_lane(|lane| assert_eq!(value(row, lane), value(&columns[lane], i)));
        }
    }
}
