//! Gives the library the name by which programs look for NVIDIA's.

fn main() {
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libnvidia-encode.so.1");
    println!("cargo::rerun-if-changed=build.rs");
}
