//! Gives the library the name by which programs look for NVIDIA's, and keeps it loaded: programs close it
//! while threads and sessions still live, and open it again.

fn main() {
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libnvidia-encode.so.1");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rerun-if-changed=build.rs");
}
