//! Capture from real PipeWire nodes, truthful ones and others: a producer of the test kit sends
//! through a PipeWire and a WirePlumber of its own.

mod changes;
mod errors;
mod formats;
mod gpu;
mod interpolation;
mod leases;
mod lies;
mod life;
mod metas;
mod rig;
