//! Where everything is in a packed ballot: fixed by the questions of the election, the same for all its ballots.
//!
//! A ballot's points are numbered: the credential, then all ciphertexts (alpha and beta, question by question), then the
//! commitments of all branches (A and B, proof by proof), then the commitment of the signature. The bytes have them in
//! another order (section 3.1 of docs/protocol.md), which `point_offsets` and the like hold.
use std::ops::Range;

use crate::error::{Result, malformed};

/// Enough for any ballot paper, and small enough that no size below can overflow.
const MOST_ANSWERS: usize = 1 << 16;

#[derive(Clone, Debug)]
pub struct Question {
    pub answers: usize,
    pub min: usize,
    pub max: usize,
    pub blank: bool,
}

/// What a branch speaks of: one ciphertext, or the product of a question's choices without the blank flag.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    Ciphertext(usize),
    Sum(usize),
}

/// "The target encrypts `value`": one branch of a proof by disjunction (Cramer, Damgård, Schoenmakers 1994).
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    pub target: Target,
    pub value: u64,
}

/// Which hash a proof takes its challenge from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Individual(usize),
    Blank,
    Overall,
}

#[derive(Clone, Debug)]
pub struct Proof {
    pub kind: Kind,
    pub question: usize,
    /// In words, for whoever is told that it does not hold.
    pub name: String,
    /// The branches are numbered through the whole ballot; these are the proof's.
    pub branches: Range<usize>,
}

/// One question's part of the numbering.
#[derive(Clone, Debug)]
pub struct Part {
    /// All ciphertexts of the question, the blank flag first if there is one.
    pub ciphertexts: Range<usize>,
    /// Those that the sum runs over.
    pub summed: Range<usize>,
    pub individual: Range<usize>,
    pub blank: Option<usize>,
    pub overall: usize,
}

#[derive(Debug)]
pub struct Shape {
    pub questions: Vec<Question>,
    pub parts: Vec<Part>,
    pub proofs: Vec<Proof>,
    pub branches: Vec<Branch>,
    pub ciphertexts: usize,
    /// Each ciphertext in words.
    pub names: Vec<String>,
    /// Byte offset of each point, in the order described above.
    pub point_offsets: Vec<usize>,
    /// Byte offset of each branch's challenge; the last of each proof is not stored.
    pub challenge_offsets: Vec<Option<usize>>,
    pub response_offsets: Vec<usize>,
    pub signature_response_offset: usize,
    /// Bytes of a packed ballot.
    pub size: usize,
}

impl Shape {
    pub fn new(questions: Vec<Question>) -> Result<Shape> {
        let mut builder = Builder::default();
        if questions.is_empty() {
            return malformed("an election has at least one question");
        }
        let credential = builder.take();
        for (number, question) in questions.iter().enumerate() {
            check(number, question)?;
            builder.question(number, question);
        }
        let commitment = builder.take();
        let signature_response_offset = builder.take();
        let ciphertexts = builder.ciphertexts.len() / 2;
        let point_offsets = std::iter::once(credential)
            .chain(builder.ciphertexts)
            .chain(builder.commitments)
            .chain(std::iter::once(commitment))
            .collect();
        Ok(Shape {
            questions,
            parts: builder.parts,
            proofs: builder.proofs,
            branches: builder.branches,
            ciphertexts,
            names: builder.names,
            point_offsets,
            challenge_offsets: builder.challenges,
            response_offsets: builder.responses,
            signature_response_offset,
            size: builder.size,
        })
    }

    /// How many points a ballot stores.
    pub fn points(&self) -> usize {
        self.point_offsets.len()
    }

    /// The number of the point alpha of a ciphertext; beta follows it.
    pub fn alpha(&self, ciphertext: usize) -> usize {
        1 + 2 * ciphertext
    }

    /// The number of the commitment A of a branch; B follows it.
    pub fn commitment(&self, branch: usize) -> usize {
        1 + 2 * self.ciphertexts + 2 * branch
    }

    pub fn signature_commitment(&self) -> usize {
        self.points() - 1
    }
}

fn check(number: usize, question: &Question) -> Result<()> {
    let number = number + 1;
    if question.answers == 0 || question.answers > MOST_ANSWERS {
        return malformed(format!("question {number} has {} answers", question.answers));
    }
    if question.min > question.max || question.max > question.answers {
        return malformed(format!(
            "question {number} wants {} to {} of {} answers",
            question.min, question.max, question.answers
        ));
    }
    Ok(())
}

#[derive(Default)]
struct Builder {
    parts: Vec<Part>,
    proofs: Vec<Proof>,
    branches: Vec<Branch>,
    ciphertexts: Vec<usize>,
    names: Vec<String>,
    commitments: Vec<usize>,
    challenges: Vec<Option<usize>>,
    responses: Vec<usize>,
    size: usize,
}

impl Builder {
    /// The next 32 bytes.
    fn take(&mut self) -> usize {
        self.size += 32;
        self.size - 32
    }

    fn question(&mut self, number: usize, question: &Question) {
        let flags = usize::from(question.blank);
        let first = self.ciphertexts.len() / 2;
        let ciphertexts = first..first + question.answers + flags;
        for _ in 0..2 * ciphertexts.len() {
            let offset = self.take();
            self.ciphertexts.push(offset);
        }
        let first_proof = self.proofs.len();
        for (choice, ciphertext) in ciphertexts.clone().enumerate() {
            let target = Target::Ciphertext(ciphertext);
            let name = match choice + 1 - flags {
                0 => format!("the blank flag in question {}", number + 1),
                n => format!("choice {n} in question {}", number + 1),
            };
            let branches = [0, 1].map(|value| Branch { target, value });
            self.proof(Kind::Individual(ciphertext), number, format!("individual proof of {name}"), &branches);
            self.names.push(name);
        }
        let individual = first_proof..self.proofs.len();
        let blank_flag = Target::Ciphertext(first);
        let sum = Target::Sum(number);
        let blank = question.blank.then(|| {
            let branches = [Branch { target: blank_flag, value: 0 }, Branch { target: sum, value: 0 }];
            self.proof(Kind::Blank, number, format!("blank proof of question {}", number + 1), &branches)
        });
        let mut branches = Vec::new();
        if question.blank {
            branches.push(Branch { target: blank_flag, value: 1 });
        }
        branches.extend((question.min..=question.max).map(|m| Branch { target: sum, value: m as u64 }));
        let overall = self.proof(Kind::Overall, number, format!("overall proof of question {}", number + 1), &branches);
        let summed = first + flags..ciphertexts.end;
        self.parts.push(Part { ciphertexts, summed, individual, blank, overall });
    }

    fn proof(&mut self, kind: Kind, question: usize, name: String, branches: &[Branch]) -> usize {
        let first = self.branches.len();
        self.branches.extend_from_slice(branches);
        for _ in 0..2 * branches.len() {
            let offset = self.take();
            self.commitments.push(offset);
        }
        for i in 0..branches.len() {
            let offset = (i + 1 < branches.len()).then(|| self.take());
            self.challenges.push(offset);
        }
        for _ in branches {
            let offset = self.take();
            self.responses.push(offset);
        }
        self.proofs.push(Proof { kind, question, name, branches: first..self.branches.len() });
        self.proofs.len() - 1
    }
}
