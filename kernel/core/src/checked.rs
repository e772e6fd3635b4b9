//! A ballot that was checked, with what remains of it.
use crate::shape::Shape;
use crate::vartime::decode;
use crate::vartime::field::LANES;
use crate::vartime::point::Cached;
use crate::verify::Unpacked;

pub struct CheckedBallot {
    pub credential: [u8; 32],
    pub tracker: [u8; 32],
    /// alpha, beta, alpha, beta, ...: ready to be added to `Sums`.
    pub ciphertexts: Vec<Cached>,
}

impl CheckedBallot {
    pub fn new(shape: &Shape, ballot: &Unpacked) -> CheckedBallot {
        let encodings = &ballot.encodings[1..1 + 2 * shape.ciphertexts];
        CheckedBallot {
            credential: ballot.encodings[0],
            tracker: ballot.derived.tracker,
            ciphertexts: decode_checked(encodings),
        }
    }
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
