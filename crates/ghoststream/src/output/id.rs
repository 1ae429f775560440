//! The number of an output.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An output of one pipeline. Those that a pipeline was built with are numbered from 0 in their order;
/// those that are added while it runs go on from there, and no number is given twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutputId(u64);

impl OutputId {
    /// The output with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl From<u64> for OutputId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for OutputId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
