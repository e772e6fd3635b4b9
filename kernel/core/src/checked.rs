//! A ballot that was checked, with what remains of it: whose it is, its tracker, and its ciphertexts to be added up.
use crate::columns;
use crate::error::{Result, malformed};
use crate::parameters::Parameters;
use crate::vartime::decode;
use crate::vartime::field::LANES;
use crate::vartime::point::Cached;
use crate::{ballot, shape::Shape};

/// A ballot's ciphertexts, ready for both sums: alpha, beta, alpha, beta, ...
pub struct Ciphertexts {
    /// For `Sums`.
    pub points: Vec<Cached>,
    /// For `Recount`: the encodings in the entry, of the points divided by eight, of any order.
    pub stored: Vec<[u8; 32]>,
    /// For `Recount`: the x of each of those, as `vartime` found them. Nobody may believe them.
    pub hints: Vec<[u8; 32]>,
}

impl Ciphertexts {
    /// Those of a packed ballot that was admitted before: none of its proofs is checked.
    pub fn load(parameters: &Parameters, packed: &[u8]) -> Result<Ciphertexts> {
        let shape = &parameters.shape;
        ballot::check_size(shape, packed)?;
        let stored = stored(shape, packed);
        let rows = [stored.iter().collect::<Vec<_>>()];
        match columns::decode(&rows, &[], 0..stored.len()).pop().flatten() {
            Some(row) => Ok(Ciphertexts { points: row.kept, hints: row.hints, stored }),
            None => malformed("a point of the ballot is not in canonical form or not on the curve"),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.stored.len() / 2
    }
}

/// The encodings of a ballot's ciphertexts as they are stored.
pub fn stored(shape: &Shape, packed: &[u8]) -> Vec<[u8; 32]> {
    let offsets = &shape.point_offsets[1..1 + 2 * shape.ciphertexts];
    offsets.iter().map(|&offset| *packed[offset..].first_chunk().expect("the size was checked")).collect()
}

pub struct CheckedBallot {
    pub credential: [u8; 32],
    pub tracker: [u8; 32],
    pub ciphertexts: Ciphertexts,
}

/// Points whose encodings are known to be good.
pub fn decode_checked(encodings: &[[u8; 32]]) -> Vec<Cached> {
    let mut points: Vec<Cached> = encodings
        .chunks(LANES)
        .flat_map(|four| {
            let (points, on_curve) = decode::decode(std::array::from_fn(|lane| &four[lane.min(four.len() - 1)]));
            assert_eq!(on_curve, [true; LANES], "these encodings were checked before");
            points.cached()
        })
        .collect();
    points.truncate(encodings.len());
    points
}
