//! What the Python side holds: an election, with all that its ballots can be asked.
use std::sync::OnceLock;

use curve25519_dalek::edwards::{EdwardsBasepointTable, EdwardsPoint};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use rayon::prelude::*;

use crate::batch::{self, Item};
use crate::checked::CheckedBallot;
use crate::error::{Error, Result, malformed};
use crate::json::Names;
use crate::prove::Choices;
use crate::shape::{Question, Shape};
use crate::verify::Unpacked;
use crate::{ballot, point, prove, scalar, verify};

/// Everything that the proofs of an election's ballots depend on.
pub struct Parameters {
    pub key: EdwardsPoint,
    pub fingerprint: String,
    pub uuid: String,
    pub shape: Shape,
    table: OnceLock<EdwardsBasepointTable>,
}

impl Parameters {
    fn new(key: &[u8], fingerprint: String, uuid: String, questions: Vec<Question>) -> Result<Parameters> {
        let key = point::decode_key(key, "the public key")?;
        let base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        if fingerprint.len() != 43 || !fingerprint.bytes().all(base64) {
            return malformed("the fingerprint of an election is 43 characters of base64");
        }
        let base58 = |b: u8| b.is_ascii_alphanumeric() && !b"0OIl".contains(&b);
        if uuid.len() < 14 || !uuid.bytes().all(base58) {
            return malformed("the uuid of an election is at least 14 characters of Base58");
        }
        Ok(Parameters { key, fingerprint, uuid, shape: Shape::new(questions)?, table: OnceLock::new() })
    }

    pub fn names(&self) -> Names<'_> {
        Names { uuid: &self.uuid, fingerprint: &self.fingerprint }
    }

    /// Made on first use: only those who encrypt or open need it.
    pub fn key_table(&self) -> &EdwardsBasepointTable {
        self.table.get_or_init(|| prove::table(&self.key))
    }
}

#[pyclass(frozen, module = "veche_kernel")]
pub struct Election {
    parameters: Parameters,
}

impl Election {
    fn checked(&self, ballot: &Unpacked) -> CheckedBallot {
        CheckedBallot::new(&self.parameters.shape, ballot)
    }

    /// One verdict per ballot, as Python wants it: the ballot, or the reason why not in words.
    fn verdicts<'py>(py: Python<'py>, verdicts: Vec<Result<CheckedBallot>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        verdicts
            .into_iter()
            .map(|verdict| match verdict {
                Ok(ballot) => Ok(Bound::new(py, ballot)?.into_any()),
                Err(error) => Ok(error.reason().into_pyobject(py)?.into_any()),
            })
            .collect()
    }
}

#[pymethods]
impl Election {
    #[new]
    fn new(
        public_key: &[u8],
        fingerprint: String,
        uuid: String,
        questions: Vec<(usize, usize, usize, bool)>,
    ) -> Result<Election> {
        let questions =
            questions.into_iter().map(|(answers, min, max, blank)| Question { answers, min, max, blank }).collect();
        Ok(Election { parameters: Parameters::new(public_key, fingerprint, uuid, questions)? })
    }

    #[getter]
    fn ballot_size(&self) -> usize {
        self.parameters.shape.size
    }

    #[getter]
    fn ciphertext_count(&self) -> usize {
        self.parameters.shape.ciphertexts
    }

    fn prove<'py>(
        &self,
        py: Python<'py>,
        credential_secret: &[u8],
        choices: Choices,
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let choices = zeroize::Zeroizing::new(choices);
        let (packed, opening) = py.detach(|| {
            let secret = scalar::decode_secret(credential_secret)?;
            prove::prove(&self.parameters, &secret, &choices)
        })?;
        Ok((PyBytes::new(py, &packed), PyBytes::new(py, &opening)))
    }

    fn open(&self, py: Python<'_>, ballot: &[u8], opening: &[u8]) -> Result<Choices> {
        py.detach(|| prove::open(&self.parameters, ballot, opening))
    }

    fn load(&self, py: Python<'_>, ballot: &[u8]) -> Result<CheckedBallot> {
        py.detach(|| Ok(self.checked(&verify::load(&self.parameters, ballot)?)))
    }

    fn verify(&self, py: Python<'_>, ballot: &[u8]) -> Result<CheckedBallot> {
        py.detach(|| Ok(self.checked(&verify::verify(&self.parameters, ballot)?)))
    }

    fn verify_with_cast(
        &self,
        py: Python<'_>,
        ballot: &[u8],
        cast_prefix: &[u8],
        cast_signature: &[u8],
    ) -> Result<CheckedBallot> {
        let item = Item { packed: ballot, cast_prefix, cast_signature };
        py.detach(|| Ok(self.checked(&batch::verify_one(&self.parameters, &item)?)))
    }

    fn verify_batch<'py>(
        &self,
        py: Python<'py>,
        items: Vec<(PyBackedBytes, PyBackedBytes, PyBackedBytes)>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let verdicts = py.detach(|| {
            let items: Vec<Item> = items
                .iter()
                .map(|(packed, cast_prefix, cast_signature)| Item { packed, cast_prefix, cast_signature })
                .collect();
            batch::verify(&self.parameters, &items)
        });
        Self::verdicts(py, verdicts)
    }

    fn to_json<'py>(&self, py: Python<'py>, ballot: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let ballot = py.detach(|| verify::load(&self.parameters, ballot))?;
        Ok(PyBytes::new(py, &ballot.json))
    }

    #[allow(clippy::wrong_self_convention)] // the name that Python sees
    fn from_json<'py>(&self, py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let packed = py.detach(|| {
            let ballot = verify::verify_json(&self.parameters, json)?;
            let eighth = scalar::one_eighth();
            let points = &ballot.points.points[..self.parameters.shape.points()];
            let eighths: Vec<EdwardsPoint> = points.par_iter().map(|point| point * eighth).collect();
            let stored = ballot::encode(&eighths);
            Ok::<_, Error>(ballot::pack(&self.parameters.shape, &stored, &ballot.derived.scalars))
        })?;
        Ok(PyBytes::new(py, &packed))
    }

    fn verify_json(&self, py: Python<'_>, json: &[u8]) -> Result<CheckedBallot> {
        py.detach(|| Ok(self.checked(&verify::verify_json(&self.parameters, json)?)))
    }

    fn verify_json_many<'py>(&self, py: Python<'py>, ballots: Vec<PyBackedBytes>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let verdicts = py.detach(|| {
            ballots.par_iter().map(|json| Ok(self.checked(&verify::verify_json(&self.parameters, json)?))).collect()
        });
        Self::verdicts(py, verdicts)
    }
}
