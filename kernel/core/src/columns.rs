//! Reading the stored points of many ballots, four ballots at a time: the same point of each is decoded side by side.
use std::ops::Range;

use crate::point;
use crate::vartime::decode::{self, Affine4, Projective4};
use crate::vartime::field::LANES;
use crate::vartime::point::{Cached, sum_of};

/// The points of one ballot.
pub struct Row {
    /// As they are stored: divided by eight, of any order.
    pub eighths: Vec<Cached>,
    /// Of the points themselves, that is eight times those, and then of the sums.
    pub encodings: Vec<[u8; 32]>,
    /// Some of the points themselves, and the x of what is stored of them.
    pub kept: Vec<Cached>,
    pub hints: Vec<[u8; 32]>,
}

/// `rows`: the stored points of each ballot, equally many. `sums`: which of a ballot's points to add up besides. `keep`: which
/// points are wanted themselves. None for a ballot with an encoding that is not canonical or not on the curve.
pub fn decode<'a, R: AsRef<[&'a [u8; 32]]>>(rows: &[R], sums: &[Vec<usize>], keep: Range<usize>) -> Vec<Option<Row>> {
    let fours: Vec<Four> = rows.chunks(LANES).map(|four| Four::read(four, sums, &keep)).collect();
    let projective: Vec<Projective4> = fours.iter().flat_map(|four| four.points.iter().copied()).collect();
    let mut points = decode::normalize(&projective).into_iter();
    let mut result = Vec::with_capacity(rows.len());
    for four in fours {
        let columns: Vec<Affine4> = points.by_ref().take(four.points.len()).collect();
        let encodings: Vec<_> = columns.iter().map(Affine4::encode).collect();
        let kept: Vec<_> = columns[keep.clone()].iter().map(Affine4::cached).collect();
        let read = four.good.into_iter().zip(four.eighths).zip(four.hints);
        for (lane, ((good, eighths), hints)) in read.enumerate() {
            let row = Row {
                eighths,
                encodings: encodings.iter().map(|column| column[lane]).collect(),
                kept: kept.iter().map(|column| column[lane]).collect(),
                hints,
            };
            result.push(good.then_some(row));
        }
    }
    result.truncate(rows.len());
    result
}

/// Four ballots, or fewer and the last one repeated.
struct Four {
    good: [bool; LANES],
    eighths: [Vec<Cached>; LANES],
    hints: [Vec<[u8; 32]>; LANES],
    /// Eight times the stored points and the sums, column by column.
    points: Vec<Projective4>,
}

impl Four {
    fn read<'a, R: AsRef<[&'a [u8; 32]]>>(rows: &[R], sums: &[Vec<usize>], keep: &Range<usize>) -> Four {
        let lanes: [&[&[u8; 32]]; LANES] = std::array::from_fn(|lane| rows[lane.min(rows.len() - 1)].as_ref());
        let columns = lanes[0].len();
        let mut good = [true; LANES];
        let mut eighths: [Vec<Cached>; LANES] = std::array::from_fn(|_| Vec::with_capacity(columns));
        let mut hints: [Vec<[u8; 32]>; LANES] = std::array::from_fn(|_| Vec::with_capacity(keep.len()));
        let mut points = Vec::with_capacity(columns + sums.len());
        for column in 0..columns {
            let encodings = lanes.map(|lane| lane[column]);
            let (stored, on_curve) = decode::decode(encodings);
            for (lane, cached) in stored.cached().into_iter().enumerate() {
                good[lane] &= on_curve[lane] && point::is_canonical(encodings[lane]);
                eighths[lane].push(cached);
            }
            if keep.contains(&column) {
                for (lane, x) in stored.x().into_iter().enumerate() {
                    hints[lane].push(x);
                }
            }
            points.push(stored.projective().eight_times());
        }
        for sum in sums {
            let added = eighths.each_ref().map(|row| sum_of(sum.iter().map(|&i| &row[i])));
            points.push(Projective4::from_points(added.each_ref()).eight_times());
        }
        Four { good, eighths, hints, points }
    }
}
