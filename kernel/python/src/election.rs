//! An election, with what its ballots can be asked one by one.
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use rayon::prelude::*;
use veche_core::parameters::Parameters;
use veche_core::prove::{self, Choices};
use veche_core::shape::Question;
use veche_core::verify::{self, Unpacked};
use veche_core::{archive, checked, checker, code, scalar};

use crate::archive::ArchiveBallot;
use crate::checked::{CheckedBallot, Ciphertexts, verdicts};
use crate::error::Result;

#[pyclass(frozen, module = "veche_kernel")]
pub struct Election {
    pub parameters: Arc<Parameters>,
}

impl Election {
    fn keep(&self, packed: &[u8], ballot: &Unpacked) -> checked::CheckedBallot {
        checker::keep(&self.parameters, packed, ballot)
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
        Ok(Election { parameters: Arc::new(Parameters::new(public_key, fingerprint, uuid, questions)?) })
    }

    #[getter]
    fn ballot_size(&self) -> usize {
        self.parameters.shape.size
    }

    #[getter]
    fn ciphertext_count(&self) -> usize {
        self.parameters.shape.ciphertexts
    }

    fn randomness<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| prove::randomness(&self.parameters.shape)))
    }

    fn code<'py>(&self, py: Python<'py>, choices: Choices, randomness: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let choices = zeroize::Zeroizing::new(choices);
        let code = py.detach(|| Result::Ok(prove::code(&self.parameters, &choices, randomness)?))?;
        Ok(PyBytes::new(py, &code))
    }

    fn prove<'py>(
        &self,
        py: Python<'py>,
        credential_secret: &[u8],
        choices: Choices,
        randomness: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let choices = zeroize::Zeroizing::new(choices);
        let packed = py.detach(|| {
            let secret = scalar::decode_secret(credential_secret)?;
            Result::Ok(prove::prove(&self.parameters, &secret, &choices, randomness)?)
        })?;
        Ok(PyBytes::new(py, &packed))
    }

    fn codes<'py>(&self, py: Python<'py>, ballots: Vec<PyBackedBytes>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let codes: Vec<_> = py.detach(|| {
            let found = ballots.par_iter().map(|packed| Ok(code::of_ballot(&self.parameters, packed)?));
            found.collect::<Result<_>>()
        })?;
        Ok(codes.iter().map(|code| PyBytes::new(py, code)).collect())
    }

    fn load(&self, py: Python<'_>, ballot: &[u8]) -> PyResult<Py<CheckedBallot>> {
        let loaded = py.detach(|| Result::Ok(self.keep(ballot, &verify::load(&self.parameters, ballot)?)))?;
        CheckedBallot::wrap(py, loaded)
    }

    fn ciphertexts<'py>(&self, py: Python<'py>, ballot: &[u8]) -> Result<(Bound<'py, PyBytes>, Ciphertexts)> {
        let (credential, ciphertexts) =
            py.detach(|| Result::Ok(checked::Ciphertexts::load(&self.parameters, ballot)?))?;
        Ok((PyBytes::new(py, &credential), Ciphertexts(ciphertexts)))
    }

    fn verify(&self, py: Python<'_>, ballot: &[u8]) -> PyResult<Py<CheckedBallot>> {
        let checked = py.detach(|| Result::Ok(self.keep(ballot, &verify::verify(&self.parameters, ballot)?)))?;
        CheckedBallot::wrap(py, checked)
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

    fn verify_json(&self, py: Python<'_>, json: &[u8]) -> Result<ArchiveBallot> {
        py.detach(|| Ok(ArchiveBallot(archive::ArchiveBallot::verify(&self.parameters, json)?)))
    }

    fn verify_json_many<'py>(&self, py: Python<'py>, ballots: Vec<PyBackedBytes>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let judged = py
            .detach(|| ballots.par_iter().map(|json| archive::ArchiveBallot::judge(&self.parameters, json)).collect());
        verdicts(py, judged, |py, ballot| Py::new(py, ArchiveBallot(ballot)))
    }
}
