//! The two ways in which an input can be wrong: it cannot be read, or what it proves is not so.

/// What is wrong, as one plain sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not the canonical form of anything.
    Malformed(String),
    /// Well formed, but an equation does not hold.
    Proof(String),
}

pub type Result<T> = std::result::Result<T, Error>;

pub fn malformed<T>(reason: impl Into<String>) -> Result<T> {
    Err(Error::Malformed(reason.into()))
}

pub fn unproven<T>(reason: impl Into<String>) -> Result<T> {
    Err(Error::Proof(reason.into()))
}

impl Error {
    pub fn reason(&self) -> &str {
        match self {
            Error::Malformed(reason) | Error::Proof(reason) => reason,
        }
    }

    /// The same error, with the place where it was found in front.
    pub fn at(self, place: impl std::fmt::Display) -> Error {
        match self {
            Error::Malformed(reason) => Error::Malformed(format!("{place}: {reason}")),
            Error::Proof(reason) => Error::Proof(format!("{place}: {reason}")),
        }
    }
}

/// The rule of docs/protocol.md (2 and 3.2) that a ballot breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    Codec,
    Shape,
    Group,
    Turn,
    Permits,
    Cast,
    Proofs,
}

impl Rule {
    /// As the protocol writes it.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Codec => "codec",
            Rule::Shape => "shape",
            Rule::Group => "group",
            Rule::Turn => "turn",
            Rule::Permits => "permits",
            Rule::Cast => "cast",
            Rule::Proofs => "proofs",
        }
    }
}

/// Why a ballot is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    pub rule: Rule,
    /// One plain sentence without a full stop.
    pub reason: String,
}

pub type Verdict<T> = std::result::Result<T, Failure>;

impl Failure {
    pub fn new(rule: Rule, reason: impl Into<String>) -> Failure {
        Failure { rule, reason: reason.into() }
    }

    /// What is wrong inside a ballot, by the rule that looked there.
    pub fn of(rule: Rule) -> impl Fn(Error) -> Failure {
        move |error| Failure::new(rule, format!("The ballot does not hold: {}", error.reason()))
    }
}
