//! Whether what is declared here is what libsrt's header declares: a C compiler compares the two.

use std::mem::{offset_of, size_of};
use std::process::Command;

use crate::functions::{EpollEvent, epoll, errno, option, reject, state};
use crate::stats::RawStats;

/// Has a C compiler check that these assertions hold beside the header.
fn check(lines: &[String]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("check.c");
    let head = "#include <stddef.h>\n#include <srt/srt.h>\n#include <srt/access_control.h>\n";
    std::fs::write(&path, format!("{head}{}\n", lines.join("\n"))).unwrap();
    let compiled =
        Command::new("cc").args(["-fsyntax-only", "-Wall", "-Werror"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "is libsrt-gnutls-dev installed? {said}");
}

fn equal(name: &str, value: i64) -> String {
    format!("_Static_assert(({name}) == {value}, \"{name}\");")
}

#[test]
fn the_statistics_lie_where_libsrt_writes_them() {
    macro_rules! offsets {
        ($($field:ident,)+) => {
            [$(equal(
                concat!("offsetof(SRT_TRACEBSTATS, ", stringify!($field), ")"),
                offset_of!(RawStats, $field) as i64,
            ),)+]
        };
    }
    let mut lines = offsets![
        msTimeStamp,
        pktSentTotal,
        pktRecvTotal,
        pktSndLossTotal,
        pktRcvLossTotal,
        pktRetransTotal,
        pktSentACKTotal,
        pktRecvACKTotal,
        pktSentNAKTotal,
        pktRecvNAKTotal,
        usSndDurationTotal,
        pktSndDropTotal,
        pktRcvDropTotal,
        pktRcvUndecryptTotal,
        byteSentTotal,
        byteRecvTotal,
        byteRcvLossTotal,
        byteRetransTotal,
        byteSndDropTotal,
        byteRcvDropTotal,
        byteRcvUndecryptTotal,
        pktSent,
        pktRecv,
        pktSndLoss,
        pktRcvLoss,
        pktRetrans,
        pktRcvRetrans,
        pktSentACK,
        pktRecvACK,
        pktSentNAK,
        pktRecvNAK,
        mbpsSendRate,
        mbpsRecvRate,
        usSndDuration,
        pktReorderDistance,
        pktRcvAvgBelatedTime,
        pktRcvBelated,
        pktSndDrop,
        pktRcvDrop,
        pktRcvUndecrypt,
        byteSent,
        byteRecv,
        byteRcvLoss,
        byteRetrans,
        byteSndDrop,
        byteRcvDrop,
        byteRcvUndecrypt,
        usPktSndPeriod,
        pktFlowWindow,
        pktCongestionWindow,
        pktFlightSize,
        msRTT,
        mbpsBandwidth,
        byteAvailSndBuf,
        byteAvailRcvBuf,
        mbpsMaxBW,
        byteMSS,
        pktSndBuf,
        byteSndBuf,
        msSndBuf,
        msSndTsbPdDelay,
        pktRcvBuf,
        byteRcvBuf,
        msRcvBuf,
        msRcvTsbPdDelay,
        pktSndFilterExtraTotal,
        pktRcvFilterExtraTotal,
        pktRcvFilterSupplyTotal,
        pktRcvFilterLossTotal,
        pktSndFilterExtra,
        pktRcvFilterExtra,
        pktRcvFilterSupply,
        pktRcvFilterLoss,
        pktReorderTolerance,
        pktSentUniqueTotal,
        pktRecvUniqueTotal,
        byteSentUniqueTotal,
        byteRecvUniqueTotal,
        pktSentUnique,
        pktRecvUnique,
        byteSentUnique,
        byteRecvUnique,
    ]
    .to_vec();
    // A newer header may have more at the end, for which there is room.
    lines.push(format!(
        "_Static_assert(sizeof(SRT_TRACEBSTATS) >= {}, \"size\");",
        offset_of!(RawStats, more)
    ));
    lines.push(format!("_Static_assert(sizeof(SRT_TRACEBSTATS) <= {}, \"room\");", size_of::<RawStats>()));
    lines.push(equal("sizeof(SRT_EPOLL_EVENT)", size_of::<EpollEvent>() as i64));
    lines.push(equal("offsetof(SRT_EPOLL_EVENT, events)", offset_of!(EpollEvent, events) as i64));
    check(&lines);
}

#[test]
fn the_constants_are_the_headers() {
    let constants = [
        ("SRTO_SNDSYN", option::SNDSYN),
        ("SRTO_RCVSYN", option::RCVSYN),
        ("SRTO_RENDEZVOUS", option::RENDEZVOUS),
        ("SRTO_MAXBW", option::MAXBW),
        ("SRTO_LATENCY", option::LATENCY),
        ("SRTO_INPUTBW", option::INPUTBW),
        ("SRTO_OHEADBW", option::OHEADBW),
        ("SRTO_PASSPHRASE", option::PASSPHRASE),
        ("SRTO_PBKEYLEN", option::PBKEYLEN),
        ("SRTO_CONNTIMEO", option::CONNTIMEO),
        ("SRTO_STREAMID", option::STREAMID),
        ("SRTO_PAYLOADSIZE", option::PAYLOADSIZE),
        ("SRTO_TRANSTYPE", option::TRANSTYPE),
        ("SRTO_IPV6ONLY", option::IPV6ONLY),
        ("SRTO_PEERIDLETIMEO", option::PEERIDLETIMEO),
        ("SRTT_LIVE", option::LIVE),
        ("SRTS_CONNECTING", state::CONNECTING),
        ("SRTS_CONNECTED", state::CONNECTED),
        ("SRT_ECONNLOST", errno::ECONNLOST),
        ("SRT_ENOCONN", errno::ENOCONN),
        ("SRT_EINVSOCK", errno::EINVSOCK),
        ("SRT_EDUPLISTEN", errno::EDUPLISTEN),
        ("SRT_EBINDCONFLICT", errno::EBINDCONFLICT),
        ("SRT_EASYNCSND", errno::EASYNCSND),
        ("SRT_EASYNCRCV", errno::EASYNCRCV),
        ("SRT_ETIMEOUT", errno::ETIMEOUT),
        ("SRT_ECONGEST", errno::ECONGEST),
        ("SRT_EPOLL_IN", epoll::IN),
        ("SRT_EPOLL_OUT", epoll::OUT),
        ("SRT_EPOLL_ERR", epoll::ERR),
        ("SRT_REJ_PEER", reject::PEER),
        ("SRT_REJ_ROGUE", reject::ROGUE),
        ("SRT_REJ_BACKLOG", reject::BACKLOG),
        ("SRT_REJ_VERSION", reject::VERSION),
        ("SRT_REJ_RDVCOOKIE", reject::RDVCOOKIE),
        ("SRT_REJ_BADSECRET", reject::BADSECRET),
        ("SRT_REJ_UNSECURE", reject::UNSECURE),
        ("SRT_REJ_MESSAGEAPI", reject::MESSAGEAPI),
        ("SRT_REJ_CONGESTION", reject::CONGESTION),
        ("SRT_REJ_FILTER", reject::FILTER),
        ("SRT_REJ_GROUP", reject::GROUP),
        ("SRT_REJ_TIMEOUT", reject::TIMEOUT),
        ("SRT_REJX_NOTFOUND", reject::NOT_FOUND),
        ("SRT_REJX_CONFLICT", reject::CONFLICT),
    ];
    check(&constants.map(|(name, value)| equal(name, value.into())));
}

/// What `functions.rs` declares, in C's words.
#[test]
fn the_functions_have_the_headers_signatures() {
    let functions = [
        "int (*startup)(void) = srt_startup;",
        "int (*cleanup)(void) = srt_cleanup;",
        "uint32_t (*version)(void) = srt_getversion;",
        "int32_t (*create_socket)(void) = srt_create_socket;",
        "int (*close_socket)(int32_t) = srt_close;",
        "int (*bind_)(int32_t, const struct sockaddr *, int) = srt_bind;",
        "int (*connect_)(int32_t, const struct sockaddr *, int) = srt_connect;",
        "int (*listen_)(int32_t, int) = srt_listen;",
        "int (*on_caller)(void *, int32_t, int, const struct sockaddr *, const char *);",
        "int (*listen_callback)(int32_t, __typeof__(on_caller), void *) = srt_listen_callback;",
        "int32_t (*accept_)(int32_t, struct sockaddr *, int *) = srt_accept;",
        "int (*local_address)(int32_t, struct sockaddr *, int *) = srt_getsockname;",
        "SRT_SOCKSTATUS (*state)(int32_t) = srt_getsockstate;",
        "int (*set_option)(int32_t, SRT_SOCKOPT, const void *, int) = srt_setsockflag;",
        "int (*send_)(int32_t, const char *, int) = srt_send;",
        "int (*receive)(int32_t, char *, int) = srt_recv;",
        "int (*send_buffer)(int32_t, size_t *, size_t *) = srt_getsndbuffer;",
        "int (*stats)(int32_t, SRT_TRACEBSTATS *, int, int) = srt_bistats;",
        "int (*last_error)(int *) = srt_getlasterror;",
        "const char *(*error_text)(int, int) = srt_strerror;",
        "int (*reject_reason)(int32_t) = srt_getrejectreason;",
        "int (*set_reject_reason)(int32_t, int) = srt_setrejectreason;",
        "int (*epoll_create_)(void) = srt_epoll_create;",
        "int (*epoll_add)(int, int32_t, const int *) = srt_epoll_add_usock;",
        "int (*epoll_wait_)(int, SRT_EPOLL_EVENT *, int, int64_t) = srt_epoll_uwait;",
        "int (*epoll_release)(int) = srt_epoll_release;",
        "void (*handler)(void *, int, const char *, int, const char *, const char *);",
        "void (*set_log_handler)(void *, __typeof__(handler)) = srt_setloghandler;",
        "_Static_assert(sizeof(SRT_SOCKSTATUS) == sizeof(int) && sizeof(SRT_SOCKOPT) == sizeof(int), \"enums\");",
    ];
    check(&functions.map(str::to_owned));
}
