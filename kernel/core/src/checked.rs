//! A ballot that was checked, with what remains of it: whose it is, its tracker, and its ciphertexts to be added up.
use crate::error::{Result, malformed};
use crate::parameters::Parameters;
use crate::shape::Shape;
use crate::vartime::decode;
use crate::vartime::field::LANES;
use crate::vartime::point::Cached;
use crate::{ballot, columns};

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
    /// Those of a packed ballot that was admitted before, and its credential: none of its proofs is checked.
    pub fn load(parameters: &Parameters, packed: &[u8]) -> Result<([u8; 32], Ciphertexts)> {
        let shape = &parameters.shape;
        ballot::check_size(shape, packed)?;
        let stored = stored(shape, packed);
        let credential = packed[shape.point_offsets[0]..].first_chunk().expect("the size was checked");
        // Each point a row of its own: so four of them are decoded side by side.
        let rows: Vec<[&[u8; 32]; 1]> = stored.iter().chain([credential]).map(|encoding| [encoding]).collect();
        let mut read = Vec::with_capacity(rows.len());
        for row in columns::decode(&rows, &[], 0..1) {
            let Some(row) = row else {
                return malformed("a point of the ballot is not in canonical form or not on the curve");
            };
            read.push(row);
        }
        let credential = read.pop().expect("one a point").encodings[0];
        let (mut points, mut hints) = (Vec::with_capacity(stored.len()), Vec::with_capacity(stored.len()));
        for row in read {
            points.extend(row.kept);
            hints.extend(row.hints);
        }
        Ok((credential, Ciphertexts { points, stored, hints }))
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
