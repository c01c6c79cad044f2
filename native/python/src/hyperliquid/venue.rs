//! The local venue: bytes and times in, bytes and deadlines out.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use engine::local_venue::backend::exchange::LocalExchange;
use engine::local_venue::door::{Door, Outgoing};
use engine::local_venue::subscriptions::ConnectionId;
use engine::local_venue::venue::{VenueError, VenueOptions};
use engine::time::Nanos;

use crate::errors::{OrPy, ParameterError, ToPy};

impl ToPy for VenueError {
    fn to_py(self) -> PyErr {
        match self {
            Self::Options(_) => ParameterError::new_err(self.to_string()),
            Self::Data(error) => error.to_py(),
        }
    }
}

/// A venue without a socket or a clock.
#[pyclass(name = "LocalVenue", module = "algo_trade._native")]
pub struct PyLocalVenue(Door<LocalExchange>);

#[pymethods]
impl PyLocalVenue {
    #[new]
    fn new(py: Python<'_>, options_json: &str, now_ns: i64) -> PyResult<Self> {
        let options = VenueOptions::read(options_json).or_py()?;
        py.detach(|| options.open(Nanos::from_raw(now_ns))).or_py().map(Self)
    }
    /// A request to `info` or `exchange`: the ticket of its answer.
    fn request(&mut self, path: &str, body: &[u8], peer: &str, now_ns: i64) -> u64 {
        self.0.request(path, body, peer, Nanos::from_raw(now_ns)).0
    }
    /// A socket is wanted: its number, or why there is none.
    fn connect(&mut self, py: Python<'_>, peer: &str, now_ns: i64) -> PyResult<Py<PyAny>> {
        match self.0.connect(peer, Nanos::from_raw(now_ns)) {
            Ok(ConnectionId(id)) => Ok(id.into_pyobject(py)?.into_any().unbind()),
            Err(text) => Ok(text.into_pyobject(py)?.into_any().unbind()),
        }
    }
    /// A message came over a socket.
    fn receive(&mut self, connection: u64, message: &[u8], now_ns: i64) {
        self.0.receive(ConnectionId(connection), message, Nanos::from_raw(now_ns));
    }
    /// A socket is gone.
    fn disconnect(&mut self, connection: u64, now_ns: i64) {
        self.0.disconnect(ConnectionId(connection), Nanos::from_raw(now_ns));
    }
    /// Does what is due.
    fn advance(&mut self, py: Python<'_>, now_ns: i64) {
        let door = &mut self.0;
        py.detach(|| door.advance(Nanos::from_raw(now_ns)));
    }
    /// When there is something to do next.
    fn deadline(&self) -> i64 {
        self.0.deadline().raw()
    }
    /// What goes out, in order.
    fn drain<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let out = PyList::empty(py);
        for outgoing in self.0.drain() {
            out.append(outgoing_to_py(py, &outgoing)?)?;
        }
        Ok(out)
    }
    /// What an operator asks, as JSON; so is the answer.
    fn control<'py>(&mut self, py: Python<'py>, body: &[u8], now_ns: i64) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.control(body, Nanos::from_raw(now_ns)).as_bytes())
    }
    /// Why a recording ended before its end, if it did.
    #[getter]
    fn broken(&self) -> Option<&str> {
        self.0.core().broken()
    }
}

fn outgoing_to_py<'py>(py: Python<'py>, outgoing: &Outgoing) -> PyResult<Bound<'py, PyTuple>> {
    match outgoing {
        Outgoing::Answer { ticket, status, body, delay } => {
            let body = body.as_ref().map(|body| PyBytes::new(py, body));
            ("answer", ticket.0, *status, body, delay.raw()).into_pyobject(py)
        }
        Outgoing::Message { connection, body, delay } => {
            ("message", connection.0, PyBytes::new(py, body), delay.raw()).into_pyobject(py)
        }
        Outgoing::Close { connection, code } => ("close", connection.0, *code, 0_i64).into_pyobject(py),
    }
}
