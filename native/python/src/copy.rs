//! PostgreSQL's binary COPY from and to Arrow.

use engine::data::pgcopy::{CopyFault, Decoder, Lead, encode};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use pyo3_arrow::{PyRecordBatch, PySchema};

use crate::errors::{DataError, ParameterError};

/// A field that is the same in each row.
#[derive(FromPyObject)]
pub enum PyLead {
    Text(String),
    Long(i64),
}

/// Rows as the tuples of a binary COPY, without header and trailer.
///
/// `lead` are the fields before the columns, the same in each row. Of times, `is_whole` says that they are whole microseconds: they
/// are one field then, and two (with the nanoseconds beyond) otherwise. `first_row` is the number of the first row, for messages.
#[pyfunction]
#[pyo3(signature = (rows, lead, *, is_whole, first_row = 1))]
pub fn encode_copy<'py>(
    py: Python<'py>,
    rows: PyRecordBatch,
    lead: Vec<PyLead>,
    is_whole: bool,
    first_row: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    let lead: Vec<Lead> = lead
        .into_iter()
        .map(|each| match each {
            PyLead::Text(text) => Lead::Text(text),
            PyLead::Long(number) => Lead::Long(number),
        })
        .collect();
    let rows = rows.into_inner();
    let written = py.detach(|| encode(&rows, &lead, is_whole, first_row));
    Ok(PyBytes::new(py, &written.map_err(|fault| ParameterError::new_err(fault.to_string()))?))
}

/// Bytes of a binary COPY in, in pieces as they come; batches of rows out.
#[pyclass(module = "algo_trade._native", name = "CopyDecoder")]
pub struct PyCopyDecoder {
    inner: Decoder,
}

fn damaged(fault: &CopyFault) -> PyErr {
    DataError::new_err(fault.to_string())
}

#[pymethods]
impl PyCopyDecoder {
    #[new]
    #[pyo3(signature = (schema, *, is_whole))]
    fn new(schema: PySchema, is_whole: bool) -> PyResult<Self> {
        let inner = Decoder::new(schema.into_inner(), is_whole);
        Ok(Self { inner: inner.map_err(|fault| ParameterError::new_err(fault.to_string()))? })
    }

    /// How many rows :meth:`take` would give.
    #[getter]
    fn waiting(&self) -> usize {
        self.inner.waiting()
    }

    /// Takes the next piece in.
    #[expect(clippy::needless_pass_by_value, reason = "as Python gives it")]
    fn feed(&mut self, piece: PyBackedBytes) -> PyResult<()> {
        self.inner.feed(&piece).map_err(|fault| damaged(&fault))
    }

    /// Gives the rows that came since the last time.
    fn take(&mut self) -> PyResult<PyRecordBatch> {
        self.inner.take().map(PyRecordBatch::new).map_err(|fault| damaged(&fault))
    }

    /// Says that no more comes.
    fn finish(&mut self) -> PyResult<()> {
        self.inner.finish().map_err(|fault| damaged(&fault))
    }

    fn __repr__(&self) -> String {
        format!("CopyDecoder({} rows waiting)", self.inner.waiting())
    }
}
