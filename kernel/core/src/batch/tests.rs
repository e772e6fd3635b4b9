//! Whole batches with the instructions of this processor and with those that every processor has: the verdicts of single
//! checks, which are curve25519-dalek's.
use curve25519_dalek::edwards::EdwardsPoint;

use super::*;
use crate::error::Result;
use crate::shape::Question;
use crate::vartime::simd::paths::both;
use crate::verify::Unpacked;
use crate::{prove, sums};

fn parameters() -> Parameters {
    let key = EdwardsPoint::mul_base(&scalar::random()).compress().0;
    let questions = vec![
        Question { answers: 3, min: 1, max: 2, blank: false },
        Question { answers: 2, min: 0, max: 1, blank: true },
    ];
    Parameters::new(&key, "A".repeat(43), "VecheTestUuid1".into(), questions).unwrap()
}

type Cast = (Vec<u8>, Vec<u8>, [u8; cast::SIZE]);

fn cast(parameters: &Parameters) -> Cast {
    let secret = scalar::random();
    let randomness = prove::randomness(&parameters.shape);
    let packed = prove::prove(parameters, &secret, &vec![vec![1, 0, 1], vec![0, 0, 1]], &randomness).unwrap();
    let prefix = packed[..64].to_vec();
    let signature = cast::sign(&secret, &prefix);
    (packed, prefix, signature)
}

fn alone(parameters: &Parameters, (packed, prefix, signature): &Cast) -> Result<Unpacked> {
    let ballot = verify::verify(parameters, packed)?;
    let signature = cast::read(point::decode(&ballot.encodings[0])?, signature)?;
    cast::verify(&signature, prefix)?;
    Ok(ballot)
}

/// Those that hold, with their places.
fn batch(parameters: &Parameters, ballots: &[Cast]) -> Vec<(usize, CheckedBallot)> {
    let packed: Vec<&[u8]> = ballots.iter().map(|ballot| &ballot.0[..]).collect();
    let read = ballots.iter().zip(credentials(&packed)).enumerate().filter_map(|(place, (ballot, credential))| {
        let item = Item { packed: &ballot.0, credential: credential?, cast_prefix: &ballot.1, cast_signature: &ballot.2 };
        Some((place, item))
    });
    let (places, items): (Vec<usize>, Vec<Item>) = read.unzip();
    let passed = check_proofs(parameters, &items, &check_casts(parameters, &items));
    passed.into_iter().map(|(item, ballot)| (places[item], ballot)).collect()
}

/// Every 32 bytes of a ballot and of its cast signature spoilt in turn, one ballot each, among ballots that hold: what passes
/// in a batch holds alone.
#[test]
fn batches_as_single_ballots() {
    let parameters = parameters();
    let honest: Vec<Cast> = (0..40).map(|_| cast(&parameters)).collect();
    let mut mixed = honest.clone();
    let words = parameters.shape.size / 32;
    for word in 0..words + 2 {
        let mut ballot = honest[word % honest.len()].clone();
        let spoilt = if word < words { &mut ballot.0[32 * word..] } else { &mut ballot.2[32 * (word - words)..] };
        match word % 3 {
            0 => spoilt[0] ^= 1,
            1 => spoilt[..32].fill(0xff),
            _ => spoilt[..32].copy_from_slice(&point::base()),
        }
        mixed.insert(2 * word % mixed.len(), ballot);
    }
    mixed.push((vec![0; 32], vec![], honest[0].2));
    // Parts that hold stand apart from those that do not.
    (0..5).for_each(|_| mixed.extend(honest.iter().cloned()));
    let verdicts: Vec<_> = mixed.iter().map(|ballot| alone(&parameters, ballot)).collect();
    assert!(verdicts.iter().filter(|verdict| verdict.is_ok()).count() >= honest.len());
    assert!(verdicts.iter().filter(|verdict| verdict.is_err()).count() > words);
    both(|| {
        assert_eq!(batch(&parameters, &honest).len(), honest.len());
        let passed = batch(&parameters, &mixed);
        assert!(passed.len() >= 4 * honest.len());
        for (place, ballot) in passed {
            let alone = verdicts[place].as_ref().expect("a ballot that does not hold has passed in a batch");
            assert_eq!(ballot.credential, alone.encodings[0]);
            assert_eq!(ballot.tracker, alone.derived.tracker);
        }
    });
}

/// What a tally is made of, against curve25519-dalek's sum of the same ciphertexts.
#[test]
fn sums_of_a_batch() {
    let parameters = parameters();
    let count = parameters.shape.ciphertexts;
    let ballots: Vec<Cast> = (0..9).map(|_| cast(&parameters)).collect();
    let alone: Vec<Unpacked> = ballots.iter().map(|ballot| alone(&parameters, ballot).unwrap()).collect();
    let column = |i: usize| alone.iter().skip(1).map(move |ballot| point::decode(&ballot.encodings[i]).unwrap());
    let expected: Vec<[u8; 32]> = (1..=2 * count).map(|i| column(i).sum::<EdwardsPoint>().compress().0).collect();
    both(|| {
        let checked: Vec<Ciphertexts> =
            batch(&parameters, &ballots).into_iter().map(|(_, ballot)| ballot.ciphertexts).collect();
        assert_eq!(checked.len(), ballots.len());
        let mut sums = sums::Sums::new(count).unwrap();
        sums.add(&checked.iter().collect::<Vec<_>>()).unwrap();
        sums.subtract(&[&checked[0]]).unwrap();
        assert_eq!(sums.encode(), expected);
        let mut weighted = sums::Sums::from_bytes(expected.as_flattened()).unwrap();
        weighted.add_scaled(&sums, 2).unwrap();
        let thrice: Vec<[u8; 32]> =
            (1..=2 * count).map(|i| (column(i).sum::<EdwardsPoint>() * Scalar::from(3u8)).compress().0).collect();
        assert_eq!(weighted.encode(), thrice);
    });
}
