//! Recordings of real packets, read back.

use super::testing::{self, merge};

mod whole;
