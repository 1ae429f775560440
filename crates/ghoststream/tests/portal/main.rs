//! Capture through portals: the real `xdg-desktop-portal` with a scripted backend behind it, and the
//! real one of a headless desktop.

mod desktop;
mod dialog;
mod rig;
mod streams;
