//! The choice of instruction set, made once around an algorithm and not in it.
//!
//! An algorithm is compiled twice on x86-64: for any such processor, and for those with AVX2, which multiply four lanes with
//! one instruction. All that it calls must be `#[inline(always)]`, the closure itself too: what is not inlined is compiled for
//! any processor, which is as right and half as fast.

/// Run an algorithm with the best instructions that this processor has.
#[inline]
pub fn dispatch<R>(algorithm: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && !portable_only() {
        #[allow(unsafe_code)]
        // SAFETY: the processor has AVX2, which is all that this function wants.
        return unsafe { with_avx2(algorithm) };
    }
    algorithm()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(algorithm: impl FnOnce() -> R) -> R {
    algorithm()
}

#[cfg(all(target_arch = "x86_64", not(test)))]
const fn portable_only() -> bool {
    false
}

#[cfg(all(target_arch = "x86_64", test))]
use paths::portable_only;

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
