//! Which instructions: chosen once around an algorithm, by `dispatch!`, and not in it.
//!
//! An algorithm takes the chosen instructions as its argument `s` and hands them down to every multiplication. On x86-64 it is
//! compiled twice, for any such processor and for those with AVX2, which multiply four lanes with one instruction. All that
//! it calls must be `#[inline(always)]`: what is not inlined is compiled for any processor, as right and several times slower.

use super::field::{LANES, Limb};

/// What a multiplication needs of a processor.
pub trait Simd: Copy {
    /// Numbers of 64 bits side by side, as many as there are lanes in a part of a limb.
    type Words: Copy;
    /// The parts of four lanes that are worked on one after the other.
    const PARTS: usize;
    fn widen(self, limb: &Limb, part: usize) -> Self::Words;
    /// The lower halves.
    fn narrow(self, words: Self::Words, limb: &mut Limb, part: usize);
    fn splat(self, word: u64) -> Self::Words;
    /// Modulo 2^64, which no caller needs.
    fn add(self, a: Self::Words, b: Self::Words) -> Self::Words;
    /// The products of the lower halves.
    fn mul(self, a: Self::Words, b: Self::Words) -> Self::Words;
    fn and(self, a: Self::Words, b: Self::Words) -> Self::Words;
    fn shift_left<const BITS: i32>(self, words: Self::Words) -> Self::Words;
    fn shift_right<const BITS: i32>(self, words: Self::Words) -> Self::Words;
}

/// What every processor has: lane after lane.
#[derive(Clone, Copy)]
pub struct Portable;

impl Simd for Portable {
    type Words = u64;
    const PARTS: usize = LANES;

    #[inline(always)]
    fn widen(self, limb: &Limb, part: usize) -> u64 {
        u64::from(limb[part])
    }

    #[inline(always)]
    fn narrow(self, word: u64, limb: &mut Limb, part: usize) {
        limb[part] = word as u32;
    }

    #[inline(always)]
    fn splat(self, word: u64) -> u64 {
        word
    }

    #[inline(always)]
    fn add(self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }

    #[inline(always)]
    fn mul(self, a: u64, b: u64) -> u64 {
        u64::from(a as u32) * u64::from(b as u32)
    }

    #[inline(always)]
    fn and(self, a: u64, b: u64) -> u64 {
        a & b
    }

    #[inline(always)]
    fn shift_left<const BITS: i32>(self, word: u64) -> u64 {
        word << BITS
    }

    #[inline(always)]
    fn shift_right<const BITS: i32>(self, word: u64) -> u64 {
        word >> BITS
    }
}

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;

/// The only unsafe code of the crate.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2 {
    use std::arch::x86_64::*;
    use std::mem::transmute;

    use super::{Limb, Simd};

    /// There is one only where the processor has AVX2: that is what makes every call below safe.
    #[derive(Clone, Copy)]
    pub struct Avx2(());

    impl Avx2 {
        #[inline]
        pub fn find() -> Option<Avx2> {
            #[cfg(test)]
            if super::paths::portable_only() {
                return None;
            }
            is_x86_feature_detected!("avx2").then_some(Avx2(()))
        }

        /// Compile an algorithm for AVX2, and run it.
        #[inline]
        pub fn run<R>(self, algorithm: impl FnOnce() -> R) -> R {
            #[target_feature(enable = "avx2")]
            fn compiled<R>(algorithm: impl FnOnce() -> R) -> R {
                algorithm()
            }
            // SAFETY: the processor has AVX2 (`Avx2`).
            unsafe { compiled(algorithm) }
        }
    }

    impl Simd for Avx2 {
        type Words = __m256i;
        const PARTS: usize = 1;

        #[inline(always)]
        fn widen(self, limb: &Limb, _: usize) -> __m256i {
            // SAFETY: the processor has AVX2 (`Avx2`); any bits are a vector.
            unsafe { _mm256_cvtepu32_epi64(transmute::<Limb, __m128i>(*limb)) }
        }

        #[inline(always)]
        fn narrow(self, words: __m256i, limb: &mut Limb, _: usize) {
            // SAFETY: the processor has AVX2 (`Avx2`); any bits are four numbers.
            unsafe {
                let lower = _mm256_permutevar8x32_epi32(words, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
                *limb = transmute::<__m128i, Limb>(_mm256_castsi256_si128(lower));
            }
        }

        #[inline(always)]
        fn splat(self, word: u64) -> __m256i {
            // SAFETY: the processor has AVX2 (`Avx2`).
            unsafe { _mm256_set1_epi64x(word.cast_signed()) }
        }

        #[inline(always)]
        fn add(self, a: __m256i, b: __m256i) -> __m256i {
            // SAFETY: the processor has AVX2 (`Avx2`).
            unsafe { _mm256_add_epi64(a, b) }
        }

        #[inline(always)]
        fn mul(self, a: __m256i, b: __m256i) -> __m256i {
            // SAFETY: the processor has AVX2 (`Avx2`).
            unsafe { _mm256_mul_epu32(a, b) }
        }

        #[inline(always)]
        fn and(self, a: __m256i, b: __m256i) -> __m256i {
            // SAFETY: the processor has AVX2 (`Avx2`).
            unsafe { _mm256_and_si256(a, b) }
        }

        #[inline(always)]
        fn shift_left<const BITS: i32>(self, words: __m256i) -> __m256i {
            // SAFETY: the processor has AVX2 (`Avx2`).
            unsafe { _mm256_slli_epi64::<BITS>(words) }
        }

        #[inline(always)]
        fn shift_right<const BITS: i32>(self, words: __m256i) -> __m256i {
            // SAFETY: the processor has AVX2 (`Avx2`).
            unsafe { _mm256_srli_epi64::<BITS>(words) }
        }
    }
}

/// `dispatch!(s => algorithm(s, ...))`: run an algorithm with the best instructions that this processor has.
macro_rules! dispatch {
    ($s:ident => $algorithm:expr) => {{
        #[cfg(target_arch = "x86_64")]
        if let Some($s) = $crate::vartime::simd::Avx2::find() {
            $s.run(
                #[inline(always)]
                || $algorithm,
            )
        } else {
            let $s = $crate::vartime::simd::Portable;
            $algorithm
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let $s = $crate::vartime::simd::Portable;
            $algorithm
        }
    }};
}
pub(crate) use dispatch;

/// Tests run on both paths, whatever the processor has.
#[cfg(test)]
pub mod paths {
    use std::cell::Cell;

    thread_local!(static PORTABLE_ONLY: Cell<bool> = const { Cell::new(false) });

    pub fn portable_only() -> bool {
        PORTABLE_ONLY.get()
    }

    /// Run a test with the best instructions, and again with those that every processor has, on two threads for each.
    pub fn both(test: impl Fn() + Sync) {
        for portable in [false, true] {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(2).start_handler(move |_| PORTABLE_ONLY.set(portable));
            pool.build().expect("threads").install(|| {
                assert_eq!(portable_only(), portable);
                test();
            });
        }
    }
}
