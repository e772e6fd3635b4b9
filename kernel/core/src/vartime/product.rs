//! Products of four field elements by four: where a batch spends most of its time. `bound` says why nothing overflows.
use super::bound::{CARRIES, LIMBS, WIDTH, mask};
use super::field::{LANES, Limb};

type Limbs = [Limb; LIMBS];

/// Tight, from wide · loose.
#[inline(always)]
pub fn mul(left: &Limbs, right: &Limbs) -> Limbs {
    let mut result = [[0; LANES]; LIMBS];
    for lane in 0..LANES {
        let f: [u64; LIMBS] = std::array::from_fn(|i| u64::from(left[i][lane]));
        let f2: [u64; LIMBS] = std::array::from_fn(|i| u64::from(left[i][lane].wrapping_mul(2)));
        let g: [u64; LIMBS] = std::array::from_fn(|i| u64::from(right[i][lane]));
        let g19: [u64; LIMBS] = std::array::from_fn(|i| u64::from(right[i][lane].wrapping_mul(19)));
        let mut h = [
            mul_limb::<0>(&f, &f2, &g, &g19),
            mul_limb::<1>(&f, &f2, &g, &g19),
            mul_limb::<2>(&f, &f2, &g, &g19),
            mul_limb::<3>(&f, &f2, &g, &g19),
            mul_limb::<4>(&f, &f2, &g, &g19),
            mul_limb::<5>(&f, &f2, &g, &g19),
            mul_limb::<6>(&f, &f2, &g, &g19),
            mul_limb::<7>(&f, &f2, &g, &g19),
            mul_limb::<8>(&f, &f2, &g, &g19),
            mul_limb::<9>(&f, &f2, &g, &g19),
        ];
        carry(&mut h);
        for i in 0..LIMBS {
            result[i][lane] = h[i] as u32;
        }
    }
    result
}

/// Tight, from loose.
#[inline(always)]
pub fn square(element: &Limbs) -> Limbs {
    let mut result = [[0; LANES]; LIMBS];
    for lane in 0..LANES {
        let f: [u64; LIMBS] = std::array::from_fn(|i| u64::from(element[i][lane]));
        let f2: [u64; LIMBS] = std::array::from_fn(|i| u64::from(element[i][lane].wrapping_mul(2)));
        let f19: [u64; LIMBS] = std::array::from_fn(|i| u64::from(element[i][lane].wrapping_mul(19)));
        let mut h = [
            square_limb::<0>(&f, &f2, &f19),
            square_limb::<1>(&f, &f2, &f19),
            square_limb::<2>(&f, &f2, &f19),
            square_limb::<3>(&f, &f2, &f19),
            square_limb::<4>(&f, &f2, &f19),
            square_limb::<5>(&f, &f2, &f19),
            square_limb::<6>(&f, &f2, &f19),
            square_limb::<7>(&f, &f2, &f19),
            square_limb::<8>(&f, &f2, &f19),
            square_limb::<9>(&f, &f2, &f19),
        ];
        carry(&mut h);
        for i in 0..LIMBS {
            result[i][lane] = h[i] as u32;
        }
    }
    result
}

/// The sum of all products that belong to limb K. Two odd limbs count twice, since the product of their weights is twice the
/// weight of limb i + j; those that belong to limb K + 10 count 19 times, since 2^255 = 19. K is a constant, so that the
/// loop comes out straight and the one over the lanes around it as vector instructions.
#[inline(always)]
fn mul_limb<const K: usize>(f: &[u64; LIMBS], f2: &[u64; LIMBS], g: &[u64; LIMBS], g19: &[u64; LIMBS]) -> u64 {
    let mut sum = 0u64;
    for i in 0..LIMBS {
        let j = (LIMBS + K - i) % LIMBS;
        let left = if i % 2 == 1 && j % 2 == 1 { f2[i] } else { f[i] };
        let right = if i > K { g19[j] } else { g[j] };
        sum = sum.wrapping_add(left.wrapping_mul(right));
    }
    sum
}

/// As `mul_limb`, for a square: each pair of different limbs is taken once, and doubled.
#[inline(always)]
fn square_limb<const K: usize>(f: &[u64; LIMBS], f2: &[u64; LIMBS], f19: &[u64; LIMBS]) -> u64 {
    let mut sum = 0u64;
    for i in 0..LIMBS {
        let j = (LIMBS + K - i) % LIMBS;
        if i <= j {
            let left = if i < j { f2[i] } else { f[i] };
            let right = if i + j >= LIMBS { f19[j] } else { f[j] };
            let product = left.wrapping_mul(right);
            sum = sum.wrapping_add(if i % 2 == 1 && j % 2 == 1 { product << 1 } else { product });
        }
    }
    sum
}

/// From sums of products to tight limbs.
#[inline(always)]
fn carry(h: &mut [u64; LIMBS]) {
    for i in CARRIES {
        let high = h[i] >> WIDTH[i];
        h[i] &= u64::from(mask(i));
        let handed = if i == 9 { (high << 4).wrapping_add(high << 1).wrapping_add(high) } else { high };
        h[(i + 1) % LIMBS] = h[(i + 1) % LIMBS].wrapping_add(handed);
    }
}
