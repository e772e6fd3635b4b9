//! Small discrete logarithms: from g^m, what a decryption leaves, to the number of votes m.
//!
//! Baby-step giant-step (Shanks 1971). The table of baby steps depends only on the bound, and all points share it.
use std::collections::HashMap;

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::Identity;
use rayon::prelude::*;

use crate::error::{Result, malformed};

const LARGEST_BOUND: u64 = 1 << 40;
/// Points that are compressed together, with one inversion.
const BATCH: usize = 256;
/// 128 bits of an encoding tell multiples of g apart: a collision among 2^41 of them has a chance below 2^-46,
/// and would only show as a logarithm not found, since a hit is checked.
type Key = [u8; 16];

fn keys(points: &[EdwardsPoint]) -> Vec<Key> {
    EdwardsPoint::compress_batch_alloc(points)
        .iter()
        .map(|encoding| *encoding.0.first_chunk().expect("16 of 32 bytes"))
        .collect()
}

/// The points start, start + step, start + 2 step, ... (count of them).
fn progression(start: EdwardsPoint, step: EdwardsPoint, count: usize) -> Vec<EdwardsPoint> {
    std::iter::successors(Some(start), |p| Some(p + step)).take(count).collect()
}

struct Table {
    baby_steps: HashMap<Key, u64>,
    size: u64,
    bound: u64,
    giant_step: EdwardsPoint,
}

impl Table {
    /// The cheapest size for `count` points is about sqrt(bound · count); beyond 2^22 memory costs more than it saves.
    fn new(bound: u64, count: usize) -> Table {
        let ideal = ((bound + 1) as f64 * count.max(1) as f64).sqrt().ceil() as u64;
        let size = ideal.clamp(1, (bound + 1).min(1 << 22));
        let starts: Vec<u64> = (0..size).step_by(BATCH).collect();
        let baby_steps = starts
            .into_par_iter()
            .flat_map_iter(|start| {
                let length = BATCH.min((size - start) as usize);
                let first = EdwardsPoint::mul_base(&Scalar::from(start));
                keys(&progression(first, ED25519_BASEPOINT_POINT, length)).into_iter().zip(start..)
            })
            .collect();
        let giant_step = -EdwardsPoint::mul_base(&Scalar::from(size));
        Table { baby_steps, size, bound, giant_step }
    }

    fn look_up(&self, point: &EdwardsPoint) -> Option<u64> {
        let giant_steps = self.bound / self.size + 1;
        let mut current = *point;
        let mut taken = 0u64;
        while taken < giant_steps {
            let batch = progression(current, self.giant_step, BATCH.min((giant_steps - taken) as usize));
            for (key, step) in keys(&batch).iter().zip(taken..) {
                if let Some(baby) = self.baby_steps.get(key) {
                    let m = step * self.size + baby;
                    if m <= self.bound && EdwardsPoint::mul_base(&Scalar::from(m)) == *point {
                        return Some(m);
                    }
                }
            }
            taken += batch.len() as u64;
            current = batch.last().copied().unwrap_or(EdwardsPoint::identity()) + self.giant_step;
        }
        None
    }
}

/// For each point g^m the m with 0 <= m <= bound; an error names the first that has none.
///
/// It may take long, so it has threads of its own: whoever checks ballots meanwhile does not wait for its end.
pub fn solve(points: &[EdwardsPoint], bound: u64) -> Result<Vec<u64>> {
    if bound > LARGEST_BOUND {
        return malformed("the bound of a discrete logarithm is above 2^40");
    }
    match rayon::ThreadPoolBuilder::new().build() {
        Ok(threads) => threads.install(|| search(points, bound)),
        Err(_) => search(points, bound), // no threads are to be had: then with those that there are
    }
}

fn search(points: &[EdwardsPoint], bound: u64) -> Result<Vec<u64>> {
    let table = Table::new(bound, points.len());
    let found: Vec<Option<u64>> = points.par_iter().map(|p| table.look_up(p)).collect();
    found
        .into_iter()
        .enumerate()
        .map(|(i, m)| match m {
            Some(m) => Ok(m),
            None => malformed(format!("point {i} is not a power of the base from 0 to {bound}")),
        })
        .collect()
}
