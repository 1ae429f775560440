//! The units of which encoded video is made, as far as anyone beside encoder and decoder must know them.

mod form;
pub(crate) mod nal;
pub(crate) mod obu;

pub(crate) use form::Form;
