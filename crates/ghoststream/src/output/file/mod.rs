//! Files that are whole whatever happens.

use std::path::Path;

use super::{OutputError, Sink};
use crate::Container;
use crate::encode::Track;

pub(super) fn check(_: &Path, _: Container, _: bool) -> Result<(), OutputError> {
    Ok(())
}

pub(super) fn create(path: &Path, _: Container, _: bool, _: &[Track]) -> Result<Box<dyn Sink>, OutputError> {
    Err(OutputError::Exists(path.to_owned()))
}
