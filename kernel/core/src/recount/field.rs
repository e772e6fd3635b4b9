//! The field of 2^255 - 19, by fiat-crypto: its code is generated with a proof that it computes what it should.
//!
//! Bounds are types, as there: `Tight` comes out of a multiplication, `Loose` out of one addition, and only that may go into a
//! multiplication.
use std::sync::LazyLock;

use fiat_crypto::curve25519_64::{
    fiat_25519_add, fiat_25519_carry, fiat_25519_carry_mul, fiat_25519_carry_square, fiat_25519_from_bytes,
    fiat_25519_loose_field_element, fiat_25519_relax, fiat_25519_sub, fiat_25519_tight_field_element,
    fiat_25519_to_bytes,
};

#[derive(Clone, Copy)]
pub struct Tight(fiat_25519_tight_field_element);

#[derive(Clone, Copy)]
pub struct Loose(fiat_25519_loose_field_element);

/// p - 2, (p - 5)/8 and (p - 1)/4, little-endian: the powers that make inverses and square roots.
const INVERSE: [u8; 32] = ones(0xeb, 0x7f);
const ROOT: [u8; 32] = ones(0xfd, 0x0f);
const ROOT_OF_MINUS_ONE: [u8; 32] = ones(0xfb, 0x1f);

static SQRT_MINUS_ONE: LazyLock<Tight> = LazyLock::new(|| Tight::small(2).power(&ROOT_OF_MINUS_ONE));

const fn ones(first: u8, last: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

impl Tight {
    pub const ZERO: Tight = Tight(fiat_25519_tight_field_element([0; 5]));
    pub const ONE: Tight = Tight::small(1);

    pub const fn small(value: u32) -> Tight {
        Tight(fiat_25519_tight_field_element([value as u64, 0, 0, 0, 0]))
    }

    /// From 255 bits, little-endian, modulo p; the highest bit is ignored.
    pub fn from_bytes(bytes: &[u8; 32]) -> Tight {
        let mut bytes = *bytes;
        bytes[31] &= 0x7f;
        let mut out = Tight::ZERO;
        fiat_25519_from_bytes(&mut out.0, &bytes);
        out
    }

    /// Below p.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut out = [0; 32];
        fiat_25519_to_bytes(&mut out, &self.0);
        out
    }

    pub fn is_odd(self) -> bool {
        self.to_bytes()[0] & 1 == 1
    }

    pub fn add(self, other: Tight) -> Loose {
        let mut out = Loose::ZERO;
        fiat_25519_add(&mut out.0, &self.0, &other.0);
        out
    }

    pub fn sub(self, other: Tight) -> Loose {
        let mut out = Loose::ZERO;
        fiat_25519_sub(&mut out.0, &self.0, &other.0);
        out
    }

    pub fn negate(self) -> Tight {
        Tight::ZERO.sub(self).carry()
    }

    pub fn mul(self, other: Tight) -> Tight {
        self.loose().mul(other.loose())
    }

    pub fn square(self) -> Tight {
        let mut out = Tight::ZERO;
        fiat_25519_carry_square(&mut out.0, &self.loose().0);
        out
    }

    pub fn loose(self) -> Loose {
        let mut out = Loose::ZERO;
        fiat_25519_relax(&mut out.0, &self.0);
        out
    }

    /// 1/self; zero for zero.
    pub fn invert(self) -> Tight {
        self.power(&INVERSE)
    }

    /// A square root of self/v, if there is one (RFC 8032, section 5.1.3).
    pub fn root_of_ratio(self, v: Tight) -> Option<Tight> {
        let v3 = v.square().mul(v);
        let v7 = v3.square().mul(v);
        let root = self.mul(v3).mul(self.mul(v7).power(&ROOT));
        let turned = root.mul(*SQRT_MINUS_ONE);
        [root, turned].into_iter().find(|x| x.square().mul(v) == self)
    }

    fn power(self, exponent: &[u8; 32]) -> Tight {
        (0..256).rev().fold(Tight::ONE, |power, bit| {
            let square = power.square();
            if exponent[bit / 8] >> (bit % 8) & 1 == 1 { square.mul(self) } else { square }
        })
    }
}

impl PartialEq for Tight {
    fn eq(&self, other: &Tight) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

impl Loose {
    const ZERO: Loose = Loose(fiat_25519_loose_field_element([0; 5]));

    pub fn mul(self, other: Loose) -> Tight {
        let mut out = Tight::ZERO;
        fiat_25519_carry_mul(&mut out.0, &self.0, &other.0);
        out
    }

    pub fn carry(self) -> Tight {
        let mut out = Tight::ZERO;
        fiat_25519_carry(&mut out.0, &self.0);
        out
    }
}
