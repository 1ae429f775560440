//! RTMPS: through TLS, with certificates of an authority of the test's own.
#![allow(unsafe_code)]

use std::future::Future;

use ghoststream::LinkFault;
use testkit::judge::judge;
use testkit::peers::{Authority, Nginx, TlsFront};
use testkit::secrets::{STREAM_KEY, told};

use crate::faults::refused;
use crate::{Codec, stream};

/// Runs something with an authority that is trusted. Certificates are read once in a process.
fn trusting<F: Future>(test: impl FnOnce(Authority) -> F) {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new("trusted").unwrap());
    let file = authority.write(dir.path()).unwrap();
    // SAFETY: each test is a process of its own, and this one has no other thread yet.
    unsafe { std::env::set_var("SSL_CERT_FILE", file) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(test(authority));
}

#[test]
fn a_server_whose_certificate_is_trusted_gets_every_frame() {
    trusting(|authority| async move {
        let nginx = Nginx::start().unwrap();
        let front = TlsFront::start(nginx.port(), authority.certificate("localhost").unwrap()).unwrap();
        let report = stream(Codec::H264, &front.url("localhost", STREAM_KEY)).await;
        let verdict = judge(&nginx.recorded().unwrap()[0]).unwrap();
        println!("{verdict}\n{report:#?}");
        verdict.must_be_in_sync(20.0);
        assert_eq!(report.encoded, verdict.must_have_video().frames);
        assert!(!told(&format!("{report:?}")));
    });
}

#[test]
fn certificates_that_cannot_be_trusted_are_told_apart() {
    trusting(|authority| async move {
        let nginx = Nginx::start().unwrap();
        let stranger = Authority::new("stranger").unwrap();
        let cases = [
            (authority.expired("localhost"), "has expired"),
            (authority.certificate("elsewhere.example"), "is not for localhost, but for elsewhere.example"),
            (stranger.certificate("localhost"), "SSL_CERT_FILE"),
        ];
        for (certificate, expected) in cases {
            let front = TlsFront::start(nginx.port(), certificate.unwrap()).unwrap();
            let (fault, text) = refused(&front.url("localhost", STREAM_KEY)).await;
            assert_eq!(fault, LinkFault::Certificate, "{text}");
            assert!(text.contains(expected) && !told(&text), "{text}");
        }
        // The name in the URL is what counts, wherever it leads.
        let front = TlsFront::start(nginx.port(), authority.certificate("127.0.0.1").unwrap()).unwrap();
        let (fault, text) = refused(&front.url("localhost", STREAM_KEY)).await;
        assert_eq!(fault, LinkFault::Certificate, "{text}");
        // What does not speak TLS at all, and what does where plain RTMP is spoken.
        let plain = nginx.url(STREAM_KEY).replace("rtmp://", "rtmps://");
        let (fault, text) = refused(&plain).await;
        assert!(fault == LinkFault::Timeout && text.contains("rtmp:// or rtmps://"), "{text}");
        let (fault, text) = refused(&front.url("localhost", STREAM_KEY).replace("rtmps://", "rtmp://")).await;
        assert!(fault == LinkFault::Protocol && text.contains("rtmps://"), "{text}");
    });
}
