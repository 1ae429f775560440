//! The virtual camera, as other programs see it: GStreamer, a viewer that asks for anything, our own capture.

mod browser;
mod device;
mod dmabuf;
mod node;
mod product;
mod rig;
