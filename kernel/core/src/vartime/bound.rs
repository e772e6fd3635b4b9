//! How large a limb may be, as a type: what could overflow does not compile.
//!
//! An element of the field of 2^255 - 19 has ten limbs; limb i has the weight 2^ceil(25.5 i), so a width w of 26 and 25 bits
//! by turns, and 32 bits of room. With T = 2^w + 2^13 for each limb's own w:
//!
//! | type    | a limb is at most | what makes one                                                                         |
//! |---------|-------------------|----------------------------------------------------------------------------------------|
//! | `Tight` | T                 | a product or a square; `reduce`; decoding                                              |
//! | `Loose` | 3 T               | tight + tight: 2 T; tight - tight = tight + 2p - tight: T + 2 · 2^w                    |
//! | `Wide`  | 6 T               | loose + loose: 6 T; loose - tight: 3 T + 2 · 2^w                                       |
//!
//! | operation           | takes                  | why its words suffice                                                     |
//! |---------------------|------------------------|---------------------------------------------------------------------------|
//! | addition            | loose + loose at most  | 6 T < 2^29                                                                |
//! | subtraction         | loose - tight at most  | no limb of 2p is below T, so no borrow                                    |
//! | `reduce`            | anything               | a limb hands on less than 2^7, limb 9 19 times that                       |
//! | multiplication      | wide · loose           | 19 · 3 T < 2^32 and 2 · 6 T < 2^32 are factors of 32 bits; ten products   |
//! |                     |                        | add up to less than 125 · 6 · 3 · T^2 < 2^63.2; after the carries         |
//! |                     |                        | limbs 1 and 5 keep an excess below 2^13, no other any                     |
//! | squaring            | loose                  | as loose · loose: the same products, each pair taken once and doubled     |
//!
//! The compiler walks through the second table below, with the largest limbs of each type: a mistake in it does not compile.

pub const LIMBS: usize = 10;
pub const WIDTH: [u32; LIMBS] = [26, 25, 26, 25, 26, 25, 26, 25, 26, 25];

pub const fn mask(limb: usize) -> u32 {
    (1 << WIDTH[limb]) - 1
}

/// 2p, no limb of it below a tight one: a - b = a + 2p - b without a borrow.
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

/// Which limbs hand on what exceeds their width after a multiplication: two chains side by side, from limb 0 and from limb 4,
/// until limbs 1 and 5 have the little that remains.
pub const CARRIES: [usize; 12] = [0, 4, 1, 5, 2, 6, 3, 7, 4, 8, 9, 0];

#[derive(Clone, Copy, Debug)]
pub enum Tight {}

#[derive(Clone, Copy, Debug)]
pub enum Loose {}

#[derive(Clone, Copy, Debug)]
pub enum Wide {}

pub trait Bound: Copy {
    /// The largest that each limb may be.
    const LARGEST: [u64; LIMBS];
}

impl Bound for Tight {
    const LARGEST: [u64; LIMBS] = times_tight(1);
}

impl Bound for Loose {
    const LARGEST: [u64; LIMBS] = times_tight(3);
}

impl Bound for Wide {
    const LARGEST: [u64; LIMBS] = times_tight(6);
}

/// What is within the bound `Self` is within `B`.
pub trait Within<B: Bound>: Bound {}

impl<B: Bound> Within<B> for B {}
impl Within<Loose> for Tight {}
impl Within<Wide> for Tight {}
impl Within<Wide> for Loose {}

/// What may be added to something within the same bound, or have something tight subtracted.
pub trait Grows: Bound {
    type Grown: Bound;
}

impl Grows for Tight {
    type Grown = Loose;
}

impl Grows for Loose {
    type Grown = Wide;
}

const fn times_tight(count: u64) -> [u64; LIMBS] {
    let mut largest = [0; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        largest[i] = count * ((1 << WIDTH[i]) + (1 << 13));
        i += 1;
    }
    largest
}

/// The second table. Every step is one of `field` or `product`, with the largest limbs instead of limbs.
const _: () = {
    let (tight, loose, wide) = (Tight::LARGEST, Loose::LARGEST, Wide::LARGEST);
    let mut i = 0;
    while i < LIMBS {
        let twice_p = TWICE_P[i] as u64;
        assert!(twice_p >= tight[i], "a subtraction borrows nothing");
        assert!(2 * tight[i] <= loose[i] && tight[i] + twice_p <= loose[i], "sums and differences of tight ones");
        assert!(2 * loose[i] <= wide[i] && loose[i] + twice_p <= wide[i], "sums and differences of loose ones");
        assert!(wide[i] <= u32::MAX as u64);
        i += 1;
    }
    let reduced = after_reduce([u32::MAX as u64; LIMBS]);
    let product = after_carry(sums_of_products(wide, loose));
    let mut i = 0;
    while i < LIMBS {
        assert!(reduced[i] <= tight[i], "whatever is reduced is tight");
        assert!(product[i] <= tight[i], "products are tight");
        i += 1;
    }
};

const fn masked(limb: usize, value: u64) -> u64 {
    let mask = mask(limb) as u64;
    if value < mask { value } else { mask }
}

/// As `Field4::reduce`.
const fn after_reduce(limbs: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut reduced = [0; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        let from = (i + LIMBS - 1) % LIMBS;
        let handed = limbs[from] >> WIDTH[from];
        reduced[i] = masked(i, limbs[i]) + if i == 0 { 19 * handed } else { handed };
        i += 1;
    }
    reduced
}

/// As `product::mul_limb`. An overflow of these 64 bits is an error of the compiler's.
const fn sums_of_products(f: [u64; LIMBS], g: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut sums = [0; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        let mut j = 0;
        while j < LIMBS {
            let left = if i % 2 == 1 && j % 2 == 1 { 2 * f[i] } else { f[i] };
            let right = if i + j >= LIMBS { 19 * g[j] } else { g[j] };
            assert!(left <= u32::MAX as u64 && right <= u32::MAX as u64, "factors have 32 bits");
            sums[(i + j) % LIMBS] += left * right;
            j += 1;
        }
        i += 1;
    }
    sums
}

/// As `product::carry`.
const fn after_carry(mut h: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut step = 0;
    while step < CARRIES.len() {
        let i = CARRIES[step];
        let high = h[i] >> WIDTH[i];
        h[i] = masked(i, h[i]);
        h[(i + 1) % LIMBS] += if i == 9 { 19 * high } else { high };
        step += 1;
    }
    h
}
