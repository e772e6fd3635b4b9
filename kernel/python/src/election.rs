//! What Python holds: an election with all that its ballots can be asked, and a ballot that was checked.
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use rayon::prelude::*;
use veche_core::batch::{self, Item};
use veche_core::parameters::Parameters;
use veche_core::prove::{self, Choices};
use veche_core::shape::Question;
use veche_core::verify::{self, Unpacked};
use veche_core::{checked, error, scalar};

use crate::error::Result;

#[pyclass(frozen, module = "veche_kernel")]
pub struct CheckedBallot(pub checked::CheckedBallot);

#[pymethods]
impl CheckedBallot {
    #[getter]
    fn credential<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.credential)
    }

    #[getter]
    fn tracker<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.tracker)
    }
}

#[pyclass(frozen, module = "veche_kernel")]
pub struct Election {
    parameters: Parameters,
}

impl Election {
    fn checked(&self, ballot: &Unpacked) -> CheckedBallot {
        CheckedBallot(self.keep(ballot))
    }

    fn keep(&self, ballot: &Unpacked) -> checked::CheckedBallot {
        checked::CheckedBallot::new(&self.parameters.shape, ballot)
    }

    /// One verdict per ballot, as Python wants it: the ballot, or the reason why not in words.
    fn verdicts<'py>(
        py: Python<'py>,
        verdicts: Vec<error::Result<checked::CheckedBallot>>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        verdicts
            .into_iter()
            .map(|verdict| match verdict {
                Ok(ballot) => Ok(Bound::new(py, CheckedBallot(ballot))?.into_any()),
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
            Result::Ok(prove::prove(&self.parameters, &secret, &choices)?)
        })?;
        Ok((PyBytes::new(py, &packed), PyBytes::new(py, &opening)))
    }

    fn open(&self, py: Python<'_>, ballot: &[u8], opening: &[u8]) -> Result<Choices> {
        py.detach(|| Ok(prove::open(&self.parameters, ballot, opening)?))
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
        let ballot = py.detach(|| Result::Ok(verify::load(&self.parameters, ballot)?))?;
        Ok(PyBytes::new(py, &ballot.json))
    }

    #[allow(clippy::wrong_self_convention)] // the name that Python sees
    fn from_json<'py>(&self, py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let packed = py.detach(|| Result::Ok(verify::pack_json(&self.parameters, json)?))?;
        Ok(PyBytes::new(py, &packed))
    }

    fn verify_json(&self, py: Python<'_>, json: &[u8]) -> Result<CheckedBallot> {
        py.detach(|| Ok(self.checked(&verify::verify_json(&self.parameters, json)?)))
    }

    fn verify_json_many<'py>(&self, py: Python<'py>, ballots: Vec<PyBackedBytes>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let verdicts = py.detach(|| {
            ballots.par_iter().map(|json| Ok(self.keep(&verify::verify_json(&self.parameters, json)?))).collect()
        });
        Self::verdicts(py, verdicts)
    }
}
