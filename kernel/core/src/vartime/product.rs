//! Products of four field elements by four: where a batch spends most of its time.
//!
//! The same code is compiled twice on x86-64, for any processor and for those with AVX2, which multiply four lanes with one
//! instruction; which of the two runs is decided at run time.
use super::field::{LANES, LIMBS, Limb, WIDTH, mask};

type Limbs = [Limb; LIMBS];

/// Bounds as for `Field4::mul`.
#[inline]
pub fn mul(f: &Limbs, g: &Limbs) -> Limbs {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code)]
        // SAFETY: the processor has AVX2, which is all that this function wants.
        return unsafe { mul_avx2(f, g) };
    }
    mul_lanes(f, g)
}

/// Bounds as for `Field4::square`.
#[inline]
pub fn square(f: &Limbs) -> Limbs {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code)]
        // SAFETY: the processor has AVX2, which is all that this function wants.
        return unsafe { square_avx2(f) };
    }
    square_lanes(f)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn mul_avx2(f: &Limbs, g: &Limbs) -> Limbs {
    mul_lanes(f, g)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn square_avx2(f: &Limbs) -> Limbs {
    square_lanes(f)
}

#[inline(always)]
fn mul_lanes(left: &Limbs, right: &Limbs) -> Limbs {
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

#[inline(always)]
fn square_lanes(element: &Limbs) -> Limbs {
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

/// From sums of products (below 2^63) to tight limbs.
#[inline(always)]
fn carry(h: &mut [u64; LIMBS]) {
    // Two chains side by side, from limb 0 and from limb 4; the second end of each leaves less than 2^18 behind.
    for i in [0, 4, 1, 5, 2, 6, 3, 7, 4, 8, 9, 0] {
        let high = h[i] >> WIDTH[i];
        h[i] &= u64::from(mask(i));
        let handed = if i == 9 { (high << 4).wrapping_add(high << 1).wrapping_add(high) } else { high };
        h[(i + 1) % LIMBS] = h[(i + 1) % LIMBS].wrapping_add(handed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where there is AVX2, the other tests see only that half of the code.
    #[test]
    fn both_halves_agree() {
        let mut random = [0u8; 4 * LANES * LIMBS];
        for _ in 0..1000 {
            getrandom::fill(&mut random).unwrap();
            let mut words = random.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
            let f: Limbs = std::array::from_fn(|i| [(); LANES].map(|()| words.next().unwrap() >> (31 - WIDTH[i])));
            let g: Limbs = f.map(|limb| limb.map(|value| value / 7 * 5 + 1));
            assert_eq!(mul(&f, &g), mul_lanes(&f, &g));
            assert_eq!(square(&g), square_lanes(&g));
        }
    }
}
