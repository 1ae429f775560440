//! The standard's numbers: default CDFs (AV1 9.3) and step sizes (7.12.2), as far as this writer uses them.
//!
//! A CDF of N values is its N - 1 inner limits; a flag's is one number.

mod coeff_base;
mod coeff_br;
mod coeff_end;
mod modes;
mod quantizer;

pub(in crate::av1) use coeff_base::*;
pub(in crate::av1) use coeff_br::*;
pub(in crate::av1) use coeff_end::*;
pub(in crate::av1) use modes::*;
pub(in crate::av1) use quantizer::*;
