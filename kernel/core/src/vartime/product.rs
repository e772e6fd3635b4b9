//! Products of four field elements by four: where a batch spends most of its time. `bound` says why nothing overflows.
use super::bound::{CARRIES, LIMBS, WIDTH, mask};
use super::field::{LANES, Limb};
use super::simd::Simd;

type Limbs = [Limb; LIMBS];

/// Tight, from wide · loose.
#[inline(always)]
pub fn mul<S: Simd>(s: S, left: &Limbs, right: &Limbs) -> Limbs {
    let mut limbs = [[0; LANES]; LIMBS];
    for part in 0..S::PARTS {
        let zero = [s.splat(0); LIMBS];
        let (mut f, mut f2, mut g, mut g19) = (zero, zero, zero, zero);
        for i in 0..LIMBS {
            f[i] = s.widen(&left[i], part);
            f2[i] = s.add(f[i], f[i]);
            g[i] = s.widen(&right[i], part);
            g19[i] = s.mul(g[i], s.splat(19));
        }
        let sums = [
            mul_limb::<S, 0>(s, &f, &f2, &g, &g19),
            mul_limb::<S, 1>(s, &f, &f2, &g, &g19),
            mul_limb::<S, 2>(s, &f, &f2, &g, &g19),
            mul_limb::<S, 3>(s, &f, &f2, &g, &g19),
            mul_limb::<S, 4>(s, &f, &f2, &g, &g19),
            mul_limb::<S, 5>(s, &f, &f2, &g, &g19),
            mul_limb::<S, 6>(s, &f, &f2, &g, &g19),
            mul_limb::<S, 7>(s, &f, &f2, &g, &g19),
            mul_limb::<S, 8>(s, &f, &f2, &g, &g19),
            mul_limb::<S, 9>(s, &f, &f2, &g, &g19),
        ];
        carry(s, sums, &mut limbs, part);
    }
    limbs
}

/// Tight, from loose.
#[inline(always)]
pub fn square<S: Simd>(s: S, element: &Limbs) -> Limbs {
    let mut limbs = [[0; LANES]; LIMBS];
    for part in 0..S::PARTS {
        let zero = [s.splat(0); LIMBS];
        let (mut f, mut f2, mut f19) = (zero, zero, zero);
        for i in 0..LIMBS {
            f[i] = s.widen(&element[i], part);
            f2[i] = s.add(f[i], f[i]);
            f19[i] = s.mul(f[i], s.splat(19));
        }
        let sums = [
            square_limb::<S, 0>(s, &f, &f2, &f19),
            square_limb::<S, 1>(s, &f, &f2, &f19),
            square_limb::<S, 2>(s, &f, &f2, &f19),
            square_limb::<S, 3>(s, &f, &f2, &f19),
            square_limb::<S, 4>(s, &f, &f2, &f19),
            square_limb::<S, 5>(s, &f, &f2, &f19),
            square_limb::<S, 6>(s, &f, &f2, &f19),
            square_limb::<S, 7>(s, &f, &f2, &f19),
            square_limb::<S, 8>(s, &f, &f2, &f19),
            square_limb::<S, 9>(s, &f, &f2, &f19),
        ];
        carry(s, sums, &mut limbs, part);
    }
    limbs
}

type Words<S> = [<S as Simd>::Words; LIMBS];

/// The sum of all products that belong to limb K. Two odd limbs count twice, since the product of their weights is twice the
/// weight of limb i + j; those that belong to limb K + 10 count 19 times, since 2^255 = 19. K is a constant, so that the loop
/// comes out straight.
#[inline(always)]
fn mul_limb<S: Simd, const K: usize>(s: S, f: &Words<S>, f2: &Words<S>, g: &Words<S>, g19: &Words<S>) -> S::Words {
    let mut sum = s.splat(0);
    for i in 0..LIMBS {
        let j = (LIMBS + K - i) % LIMBS;
        let left = if i % 2 == 1 && j % 2 == 1 { f2[i] } else { f[i] };
        let right = if i > K { g19[j] } else { g[j] };
        sum = s.add(sum, s.mul(left, right));
    }
    sum
}

/// As `mul_limb`, for a square: each pair of different limbs is taken once, and doubled.
#[inline(always)]
fn square_limb<S: Simd, const K: usize>(s: S, f: &Words<S>, f2: &Words<S>, f19: &Words<S>) -> S::Words {
    let (mut once, mut twice) = (s.splat(0), s.splat(0));
    for i in 0..LIMBS {
        let j = (LIMBS + K - i) % LIMBS;
        if i <= j {
            let left = if i < j { f2[i] } else { f[i] };
            let right = if i + j >= LIMBS { f19[j] } else { f[j] };
            let product = s.mul(left, right);
            if i % 2 == 1 && j % 2 == 1 {
                twice = s.add(twice, product);
            } else {
                once = s.add(once, product);
            }
        }
    }
    s.add(once, s.add(twice, twice))
}

/// From sums of products to tight limbs.
#[inline(always)]
fn carry<S: Simd>(s: S, mut h: Words<S>, limbs: &mut Limbs, part: usize) {
    hand_on::<S, { CARRIES[0] }>(s, &mut h);
    hand_on::<S, { CARRIES[1] }>(s, &mut h);
    hand_on::<S, { CARRIES[2] }>(s, &mut h);
    hand_on::<S, { CARRIES[3] }>(s, &mut h);
    hand_on::<S, { CARRIES[4] }>(s, &mut h);
    hand_on::<S, { CARRIES[5] }>(s, &mut h);
    hand_on::<S, { CARRIES[6] }>(s, &mut h);
    hand_on::<S, { CARRIES[7] }>(s, &mut h);
    hand_on::<S, { CARRIES[8] }>(s, &mut h);
    hand_on::<S, { CARRIES[9] }>(s, &mut h);
    hand_on::<S, { CARRIES[10] }>(s, &mut h);
    hand_on::<S, { CARRIES[11] }>(s, &mut h);
    for i in 0..LIMBS {
        s.narrow(h[i], &mut limbs[i], part);
    }
}

/// What exceeds the width of limb I goes to the next one; from the last one it goes to the first, 19 times.
#[inline(always)]
fn hand_on<S: Simd, const I: usize>(s: S, h: &mut Words<S>) {
    let high = if WIDTH[I] == 26 { s.shift_right::<26>(h[I]) } else { s.shift_right::<25>(h[I]) };
    h[I] = s.and(h[I], s.splat(u64::from(mask(I))));
    let handed = if I == 9 { nineteen_times(s, high) } else { high };
    h[(I + 1) % LIMBS] = s.add(h[(I + 1) % LIMBS], handed);
}

/// Of words that may exceed 32 bits.
#[inline(always)]
fn nineteen_times<S: Simd>(s: S, words: S::Words) -> S::Words {
    s.add(s.shift_left::<4>(words), s.add(s.add(words, words), words))
}
