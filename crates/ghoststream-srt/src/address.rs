//! Addresses between Rust and C.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Room for any address.
#[derive(Clone, Copy)]
pub(crate) struct RawAddress {
    storage: libc::sockaddr_storage,
    length: c_int,
}

impl RawAddress {
    /// To be filled in by C.
    pub(crate) fn empty() -> Self {
        // SAFETY: plain old data, for which all zero is a value: AF_UNSPEC.
        let storage = unsafe { std::mem::zeroed::<libc::sockaddr_storage>() };
        Self { storage, length: size_of_val(&storage) as c_int }
    }

    pub(crate) fn new(address: SocketAddr) -> Self {
        let mut raw = Self::empty();
        let storage = &raw mut raw.storage;
        match address {
            SocketAddr::V4(it) => {
                let new = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: it.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(it.ip().octets()) },
                    sin_zero: [0; 8],
                };
                // SAFETY: sockaddr_storage has room and alignment for every kind of address.
                unsafe { storage.cast::<libc::sockaddr_in>().write(new) };
                raw.length = size_of_val(&new) as c_int;
            }
            SocketAddr::V6(it) => {
                let new = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: it.port().to_be(),
                    sin6_flowinfo: it.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: it.ip().octets() },
                    sin6_scope_id: it.scope_id(),
                };
                // SAFETY: as above.
                unsafe { storage.cast::<libc::sockaddr_in6>().write(new) };
                raw.length = size_of_val(&new) as c_int;
            }
        }
        raw
    }

    /// `None` where it is of no family known here.
    pub(crate) fn get(&self) -> Option<SocketAddr> {
        let storage = &raw const self.storage;
        match c_int::from(self.storage.ss_family) {
            libc::AF_INET => {
                // SAFETY: the family says that it is this; the storage has room and alignment for it.
                let it = unsafe { storage.cast::<libc::sockaddr_in>().read() };
                let ip = Ipv4Addr::from(it.sin_addr.s_addr.to_ne_bytes());
                Some((ip, u16::from_be(it.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: as above.
                let it = unsafe { storage.cast::<libc::sockaddr_in6>().read() };
                let (ip, port) = (Ipv6Addr::from(it.sin6_addr.s6_addr), u16::from_be(it.sin6_port));
                Some(SocketAddrV6::new(ip, port, it.sin6_flowinfo, it.sin6_scope_id).into())
            }
            _ => None,
        }
    }

    pub(crate) const fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    pub(crate) const fn length(&self) -> c_int {
        self.length
    }

    /// Where C writes an address, and how long it may be and is.
    pub(crate) const fn as_mut(&mut self) -> (*mut libc::sockaddr, *mut c_int) {
        ((&raw mut self.storage).cast(), &raw mut self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_way_there_and_back() {
        for text in ["127.0.0.1:9000", "203.0.113.7:1", "[::1]:65535", "[fe80::1%3]:80"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddress::new(address).get(), Some(address));
        }
        assert_eq!(RawAddress::empty().get(), None);
    }
}
