//! Everything that makes a poll's ballot good and needs no state: docs/protocol.md, section 3.2.
//!
//! First `identify`, for next to nothing: form, and whose it is. Whoever knows the state asks it then, and only what still has a
//! chance is checked: permits, the cast signature, proofs. Permits come first because for a fresh credential anybody can sign; a
//! later ballot has none. For many ballots cast signatures and proofs go into combinations (`batch`); what does not pass there is
//! checked alone, and that verdict counts.
use std::sync::Arc;

use curve25519_dalek::edwards::EdwardsPoint;
use rayon::prelude::*;

pub use crate::batch::Credential;
use crate::batch::{self, Item};
use crate::checked::{self, CheckedBallot, Ciphertexts, decode_checked};
use crate::entry::{Entry, Permit};
use crate::error::{Failure, Result, Rule, Verdict, malformed};
use crate::parameters::Parameters;
use crate::verify::Unpacked;
use crate::{ballot, cast, rsa, verify};

const MOST_TURNS: u64 = 32;
const PREFIX_SIZE: usize = 32;

/// What the permits of a poll's ballots must be. All lists are by registrar, in the order of the poll's class.
pub struct PermitRules {
    /// The RSA modulus of each registrar for each group; none at all of a registrar that published no keys.
    pub moduli: Vec<Vec<Vec<u8>>>,
    /// Permits that a ballot carries if it carries any.
    pub k: usize,
    /// A number for each registrar's identity source.
    pub sources: Vec<u64>,
    /// From how many different sources a ballot's permits must come.
    pub wanted_sources: usize,
}

/// The checks of one poll, with the permit keys that are there.
pub struct Checker {
    parameters: Arc<Parameters>,
    poll: [u8; 32],
    groups: usize,
    rules: PermitRules,
}

impl Checker {
    pub fn new(parameters: Arc<Parameters>, poll: &[u8], rules: PermitRules) -> Result<Checker> {
        let Ok(poll) = poll.try_into() else {
            return malformed(format!("a poll's id has 32 bytes, not {}", poll.len()));
        };
        let groups = rules.moduli.iter().map(Vec::len).max().unwrap_or(0);
        if groups == 0 || rules.moduli.iter().any(|of_registrar| ![0, groups].contains(&of_registrar.len())) {
            return malformed("a registrar has a modulus for each group or none, and one has one at least");
        }
        if rules.sources.len() != rules.moduli.len() {
            return malformed(format!("{} registrars have {} sources", rules.moduli.len(), rules.sources.len()));
        }
        Ok(Checker { parameters, poll, groups, rules })
    }

    /// For each ballot whose it is, if it has the form of this poll's: what can be seen for next to nothing, and wants to be known
    /// before the state is asked of it. On this core.
    pub fn identify<D: AsRef<[u8]>>(&self, entries: &[&Entry<D>]) -> Vec<Verdict<Credential>> {
        let formed: Vec<Verdict<()>> = entries.iter().map(|entry| self.check_form(entry)).collect();
        let packed = entries.iter().zip(&formed).filter(|(_, formed)| formed.is_ok()).map(|(entry, _)| entry.ballot());
        let mut credentials = batch::credentials(&packed.collect::<Vec<_>>()).into_iter();
        let identified = entries.iter().zip(formed).map(|(entry, formed)| {
            formed?;
            match credentials.next().expect("one for each that has the form") {
                Some(credential) => Ok(credential),
                None => Err(read_credential(entry).expect_err("two programs read a credential differently")),
            }
        });
        identified.collect()
    }

    /// A verdict for each of those that `identify` took, on all cores.
    pub fn check<D: AsRef<[u8]> + Sync>(&self, entries: &[(&Entry<D>, Credential)]) -> Vec<Verdict<CheckedBallot>> {
        let chunk = entries.len().div_ceil(rayon::current_num_threads()).clamp(1, batch::LARGEST_CHUNK);
        entries.par_chunks(chunk).flat_map_iter(|chunk| self.check_chunk(chunk)).collect()
    }

    /// Form and all, for one ballot and without a combination: the same verdict.
    pub fn check_one<D: AsRef<[u8]>>(&self, entry: &Entry<D>) -> Verdict<CheckedBallot> {
        self.check_form(entry)?;
        let credential = read_credential(entry)?;
        self.check_permits(entry, &credential.compress().0)?;
        check_cast(entry, credential)?;
        self.check_proofs(entry, credential)
    }

    fn check_chunk<D: AsRef<[u8]>>(&self, entries: &[(&Entry<D>, Credential)]) -> Vec<Verdict<CheckedBallot>> {
        let mut verdicts: Vec<Option<Verdict<CheckedBallot>>> = entries.iter().map(|_| None).collect();
        let (mut places, mut prefixes) = (Vec::new(), Vec::new());
        for (place, (entry, credential)) in entries.iter().enumerate() {
            match self.check_permits(entry, &credential.encoding) {
                Ok(()) => {
                    places.push(place);
                    prefixes.push(entry.cast_prefix());
                }
                Err(failure) => verdicts[place] = Some(Err(failure)),
            }
        }
        let items: Vec<Item> = places
            .iter()
            .zip(&prefixes)
            .map(|(&place, cast_prefix)| {
                let (entry, credential) = entries[place];
                Item { packed: entry.ballot(), credential, cast_prefix, cast_signature: entry.cast() }
            })
            .collect();
        let signed = batch::check_casts(&self.parameters, &items);
        let mut exactly: Vec<bool> = vec![true; items.len()];
        signed.iter().for_each(|&item| exactly[item] = false);
        for (item, ballot) in batch::check_proofs(&self.parameters, &items, &signed) {
            verdicts[places[item]] = Some(Ok(ballot));
        }
        for (&place, exactly) in places.iter().zip(exactly) {
            if verdicts[place].is_none() {
                let (entry, _) = entries[place];
                verdicts[place] = Some(read_credential(entry).and_then(|credential| {
                    if exactly {
                        check_cast(entry, credential)?;
                    }
                    self.check_proofs(entry, credential)
                }));
            }
        }
        verdicts.into_iter().map(|verdict| verdict.expect("each has one now")).collect()
    }

    fn check_proofs<D: AsRef<[u8]>>(&self, entry: &Entry<D>, credential: EdwardsPoint) -> Verdict<CheckedBallot> {
        let packed = entry.ballot();
        let ballot = verify::unpack(&self.parameters, packed, credential).map_err(Failure::of(Rule::Proofs))?;
        verify::check(&self.parameters, &ballot).map_err(Failure::of(Rule::Proofs))?;
        Ok(keep(&self.parameters, packed, &ballot))
    }

    /// What can be seen without any arithmetic.
    fn check_form<D: AsRef<[u8]>>(&self, entry: &Entry<D>) -> Verdict<()> {
        let fail = |rule, reason: String| Err(Failure::new(rule, reason));
        if entry.poll() != self.poll {
            return fail(Rule::Shape, "This ballot is for another poll".into());
        }
        ballot::check_size(&self.parameters.shape, entry.ballot()).map_err(Failure::of(Rule::Shape))?;
        if entry.group >= self.groups as u64 {
            return fail(Rule::Group, format!("The poll has no group {}", entry.group));
        }
        if !(1..=MOST_TURNS).contains(&entry.turn) {
            return fail(Rule::Turn, format!("A turn is a number from 1 to {MOST_TURNS}"));
        }
        self.check_form_of_permits(entry)
    }

    fn check_form_of_permits<D: AsRef<[u8]>>(&self, entry: &Entry<D>) -> Verdict<()> {
        let fail = |reason| Err(Failure::new(Rule::Permits, reason));
        let permits: Vec<Permit> = entry.permits().collect();
        if permits.is_empty() {
            return Ok(()); // only the state can tell whether it needs some
        }
        let PermitRules { moduli, k, sources, wanted_sources } = &self.rules;
        if permits.len() != *k {
            return fail(format!("The ballot carries {} permits and needs {k}", permits.len()));
        }
        if permits.windows(2).any(|pair| pair[0].registrar >= pair[1].registrar) {
            let reason = "The ballot's permits are not by different registrars in ascending order";
            return fail(reason.into());
        }
        if permits.iter().any(|permit| permit.registrar >= moduli.len() as u64) {
            let reason = format!("There are {} registrars, and a permit names another", moduli.len());
            return fail(reason);
        }
        if permits.iter().any(|permit| moduli[permit.registrar as usize].is_empty()) {
            return fail("A permit is by a registrar that published no permit keys for this poll".into());
        }
        if permits.iter().any(|permit| permit.prefix.len() != PREFIX_SIZE) {
            return fail(format!("The prefix of a permit is {PREFIX_SIZE} bytes"));
        }
        let mut found: Vec<u64> = permits.iter().map(|permit| sources[permit.registrar as usize]).collect();
        found.sort_unstable();
        found.dedup();
        if found.len() < *wanted_sources {
            let found = found.len();
            let reason = format!("The permits come from {found} identity source; this class wants {wanted_sources}");
            return fail(reason);
        }
        Ok(())
    }

    /// The signatures of permits that have their form.
    fn check_permits<D: AsRef<[u8]>>(&self, entry: &Entry<D>, credential: &[u8; 32]) -> Verdict<()> {
        let message = entry.permit_message(credential);
        let holds = |permit: Permit| {
            let modulus = &self.rules.moduli[permit.registrar as usize][entry.group as usize];
            rsa::holds(modulus, &[permit.prefix, &message].concat(), permit.signature)
        };
        if !entry.permits().all(holds) {
            let reason = "A permit does not hold: no registrar of this group signed it for this credential";
            return Err(Failure::new(Rule::Permits, reason));
        }
        Ok(())
    }
}

fn read_credential<D: AsRef<[u8]>>(entry: &Entry<D>) -> Verdict<EdwardsPoint> {
    ballot::credential(entry.ballot()).map_err(Failure::of(Rule::Proofs))
}

fn check_cast<D: AsRef<[u8]>>(entry: &Entry<D>, credential: EdwardsPoint) -> Verdict<()> {
    let signature = cast::read(credential, entry.cast()).map_err(Failure::of(Rule::Cast))?;
    cast::verify(&signature, &entry.cast_prefix()).map_err(Failure::of(Rule::Cast))
}

/// What remains of a ballot that was read or checked exactly.
pub fn keep(parameters: &Parameters, packed: &[u8], ballot: &Unpacked) -> CheckedBallot {
    let shape = &parameters.shape;
    CheckedBallot {
        credential: ballot.encodings[0],
        tracker: ballot.derived.tracker,
        ciphertexts: Ciphertexts {
            points: decode_checked(&ballot.encodings[1..1 + 2 * shape.ciphertexts]),
            stored: checked::stored(shape, packed),
            hints: Vec::new(),
        },
    }
}
