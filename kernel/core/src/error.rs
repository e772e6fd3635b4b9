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
