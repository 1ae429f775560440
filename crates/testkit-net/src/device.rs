//! TUN devices (Linux' Documentation/networking/tuntap.rst): what is sent through the device is read
//! from its descriptor, and what is written there arrives at the device.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::mem;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result};

use crate::namespace::checked;

const NAME: &CStr = c"path0";

/// Makes the device in the namespace of the calling thread, with an address in a network of 256.
pub(crate) fn open(address: Ipv4Addr) -> Result<File> {
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")
        .context("opening /dev/net/tun; is the kernel's module tun loaded?")?;
    let mut request = request(NAME);
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    ask(device.as_raw_fd(), libc::TUNSETIFF, &mut request).context("making a TUN device")?;
    configure(NAME, libc::SIOCSIFADDR, address)?;
    configure(NAME, libc::SIOCSIFNETMASK, Ipv4Addr::new(255, 255, 255, 0))?;
    raise(NAME)?;
    Ok(device)
}

/// Takes a device of the calling thread's namespace into use.
pub(crate) fn raise(name: &CStr) -> Result<()> {
    let mut request = request(name);
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    ask(socket()?.as_raw_fd(), libc::SIOCSIFFLAGS, &mut request)
        .with_context(|| format!("raising {}", name.to_string_lossy()))
}

fn configure(name: &CStr, what: libc::c_ulong, address: Ipv4Addr) -> Result<()> {
    let mut request = request(name);
    let socket_address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: u32::from(address).to_be() },
        sin_zero: [0; 8],
    };
    // SAFETY: both are plain data of 16 bytes; the kernel reads the family to know which it is.
    request.ifr_ifru.ifru_addr =
        unsafe { mem::transmute::<libc::sockaddr_in, libc::sockaddr>(socket_address) };
    ask(socket()?.as_raw_fd(), what, &mut request).with_context(|| format!("giving a device {address}"))
}

fn request(name: &CStr) -> libc::ifreq {
    // SAFETY: plain data, for which zeros are a value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.to_bytes()) {
        *to = *from as libc::c_char;
    }
    request
}

fn ask(descriptor: RawFd, what: libc::c_ulong, request: &mut libc::ifreq) -> Result<()> {
    // SAFETY: every request that is made here takes an ifreq, which lives through the call.
    Ok(checked(unsafe { libc::ioctl(descriptor, what as _, request) })?)
}

/// Any socket: devices are asked for through one.
fn socket() -> Result<OwnedFd> {
    // SAFETY: socket touches no memory.
    let descriptor = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if descriptor < 0 {
        return Err(std::io::Error::last_os_error()).context("a socket to configure devices with");
    }
    // SAFETY: it was just made and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
