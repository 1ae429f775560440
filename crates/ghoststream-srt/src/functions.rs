//! libsrt's functions and constants, as its header `srt.h` declares them. The tests in `header_tests.rs`
//! compare them with the header that is installed.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void};

use crate::stats::RawStats;

/// `SRTSOCKET`.
pub(crate) type RawSocket = i32;

/// `srt_listen_callback_fn`.
pub(crate) type ListenCallback =
    unsafe extern "C" fn(*mut c_void, RawSocket, c_int, *const libc::sockaddr, *const c_char) -> c_int;

/// `SRT_LOG_HANDLER_FN`.
pub(crate) type LogHandler =
    unsafe extern "C" fn(*mut c_void, c_int, *const c_char, c_int, *const c_char, *const c_char);

/// `SRT_EPOLL_EVENT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EpollEvent {
    pub(crate) socket: RawSocket,
    pub(crate) events: c_int,
}

macro_rules! functions {
    ($($field:ident = $symbol:literal ($($arg:ty),*) -> $result:ty;)+) => {
        /// Looked up once.
        pub(crate) struct Functions {
            $(pub(crate) $field: unsafe extern "C" fn($($arg),*) -> $result,)+
        }

        impl Functions {
            /// # Safety
            /// The library is libsrt 1.5, and is never unloaded.
            pub(crate) unsafe fn find(library: &libloading::Library) -> Result<Self, libloading::Error> {
                // SAFETY: the signatures are those of libsrt's header for these symbols, and the caller says
                // that the library is that.
                unsafe { Ok(Self { $($field: *library.get(concat!($symbol, "\0").as_bytes())?,)+ }) }
            }
        }
    };
}

functions! {
    startup = "srt_startup"() -> c_int;
    cleanup = "srt_cleanup"() -> c_int;
    version = "srt_getversion"() -> u32;
    create_socket = "srt_create_socket"() -> RawSocket;
    close = "srt_close"(RawSocket) -> c_int;
    bind = "srt_bind"(RawSocket, *const libc::sockaddr, c_int) -> c_int;
    connect = "srt_connect"(RawSocket, *const libc::sockaddr, c_int) -> c_int;
    listen = "srt_listen"(RawSocket, c_int) -> c_int;
    listen_callback = "srt_listen_callback"(RawSocket, Option<ListenCallback>, *mut c_void) -> c_int;
    accept = "srt_accept"(RawSocket, *mut libc::sockaddr, *mut c_int) -> RawSocket;
    local_address = "srt_getsockname"(RawSocket, *mut libc::sockaddr, *mut c_int) -> c_int;
    state = "srt_getsockstate"(RawSocket) -> c_int;
    set_option = "srt_setsockflag"(RawSocket, c_int, *const c_void, c_int) -> c_int;
    send = "srt_send"(RawSocket, *const c_char, c_int) -> c_int;
    receive = "srt_recv"(RawSocket, *mut c_char, c_int) -> c_int;
    send_buffer = "srt_getsndbuffer"(RawSocket, *mut usize, *mut usize) -> c_int;
    stats = "srt_bistats"(RawSocket, *mut RawStats, c_int, c_int) -> c_int;
    last_error = "srt_getlasterror"(*mut c_int) -> c_int;
    error_text = "srt_strerror"(c_int, c_int) -> *const c_char;
    reject_reason = "srt_getrejectreason"(RawSocket) -> c_int;
    set_reject_reason = "srt_setrejectreason"(RawSocket, c_int) -> c_int;
    epoll_create = "srt_epoll_create"() -> c_int;
    epoll_add = "srt_epoll_add_usock"(c_int, RawSocket, *const c_int) -> c_int;
    epoll_wait = "srt_epoll_uwait"(c_int, *mut EpollEvent, c_int, i64) -> c_int;
    epoll_release = "srt_epoll_release"(c_int) -> c_int;
    set_log_handler = "srt_setloghandler"(*mut c_void, Option<LogHandler>) -> ();
}

/// `SRT_SOCKOPT`.
pub(crate) mod option {
    use std::ffi::c_int;

    pub(crate) const SNDSYN: c_int = 1;
    pub(crate) const RCVSYN: c_int = 2;
    pub(crate) const RENDEZVOUS: c_int = 12;
    pub(crate) const MAXBW: c_int = 16;
    pub(crate) const LATENCY: c_int = 23;
    pub(crate) const INPUTBW: c_int = 24;
    pub(crate) const OHEADBW: c_int = 25;
    pub(crate) const PASSPHRASE: c_int = 26;
    pub(crate) const PBKEYLEN: c_int = 27;
    pub(crate) const CONNTIMEO: c_int = 36;
    pub(crate) const STREAMID: c_int = 46;
    pub(crate) const PAYLOADSIZE: c_int = 49;
    pub(crate) const TRANSTYPE: c_int = 50;
    pub(crate) const IPV6ONLY: c_int = 54;
    pub(crate) const PEERIDLETIMEO: c_int = 55;
    /// `SRTT_LIVE`.
    pub(crate) const LIVE: c_int = 0;
}

/// `SRT_SOCKSTATUS`.
pub(crate) mod state {
    use std::ffi::c_int;

    pub(crate) const CONNECTING: c_int = 4;
    pub(crate) const CONNECTED: c_int = 5;
}

/// `SRT_ERRNO`.
pub(crate) mod errno {
    use std::ffi::c_int;

    pub(crate) const ECONNLOST: c_int = 2001;
    pub(crate) const ENOCONN: c_int = 2002;
    pub(crate) const EINVSOCK: c_int = 5004;
    pub(crate) const EDUPLISTEN: c_int = 5011;
    pub(crate) const EBINDCONFLICT: c_int = 5015;
    pub(crate) const EASYNCSND: c_int = 6001;
    pub(crate) const EASYNCRCV: c_int = 6002;
    pub(crate) const ETIMEOUT: c_int = 6003;
    pub(crate) const ECONGEST: c_int = 6004;
}

/// `SRT_EPOLL_OPT`.
pub(crate) mod epoll {
    use std::ffi::c_int;

    pub(crate) const IN: c_int = 1;
    pub(crate) const OUT: c_int = 4;
    pub(crate) const ERR: c_int = 8;
}

/// `SRT_REJECT_REASON`.
pub(crate) mod reject {
    use std::ffi::c_int;

    pub(crate) const PEER: c_int = 2;
    pub(crate) const ROGUE: c_int = 4;
    pub(crate) const BACKLOG: c_int = 5;
    pub(crate) const VERSION: c_int = 8;
    pub(crate) const RDVCOOKIE: c_int = 9;
    pub(crate) const BADSECRET: c_int = 10;
    pub(crate) const UNSECURE: c_int = 11;
    pub(crate) const MESSAGEAPI: c_int = 12;
    pub(crate) const CONGESTION: c_int = 13;
    pub(crate) const FILTER: c_int = 14;
    pub(crate) const GROUP: c_int = 15;
    pub(crate) const TIMEOUT: c_int = 16;
    /// `SRT_REJX_NOTFOUND`.
    pub(crate) const NOT_FOUND: c_int = 1404;
    /// `SRT_REJX_CONFLICT`.
    pub(crate) const CONFLICT: c_int = 1409;
}
