//! TLS: whom to trust, and what its failures mean.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};

use crate::output::live::{LinkError, LinkFault};

/// Begins, with a server that must be of this name.
pub(super) fn begin(host: &str) -> Result<ClientConnection, LinkError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| {
        LinkError::new(LinkFault::Address, "its name is none that a certificate could be for")
    })?;
    ClientConnection::new(config()?, name).map_err(|error| failed(&error))
}

/// Trusts whom the system trusts, or the file or directory that `SSL_CERT_FILE` or `SSL_CERT_DIR`
/// name. Read once: hundreds of certificates are slow to take apart.
fn config() -> Result<Arc<ClientConfig>, LinkError> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    let make = || {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            return Err("this system has no certificates to trust; install the package ca-certificates, or \
                        name a file of them in SSL_CERT_FILE"
                .to_owned());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    };
    CONFIG.get_or_init(make).clone().map_err(|text| LinkError::new(LinkFault::Certificate, text))
}

/// What becomes of an error of TLS.
pub(super) fn failed(error: &rustls::Error) -> LinkError {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage, PeerIncompatible};
    match error {
        InvalidCertificate(reason) => LinkError::new(LinkFault::Certificate, untrusted(reason)),
        InvalidMessage(_) => {
            LinkError::new(LinkFault::Protocol, "it does not speak TLS: is it rtmp:// rather than rtmps://?")
        }
        PeerIncompatible(reason) => LinkError::new(
            LinkFault::Protocol,
            format!("it speaks no TLS that is secure today, which is 1.2 or 1.3 ({reason:?})"),
        ),
        AlertReceived(alert) => {
            LinkError::new(LinkFault::Protocol, format!("it ended the TLS handshake: {alert:?}"))
        }
        other => LinkError::new(LinkFault::Protocol, format!("TLS failed: {other}")),
    }
}

/// Why a certificate is not trusted, and what to do.
fn untrusted(reason: &CertificateError) -> String {
    use CertificateError::*;
    match reason {
        Expired | ExpiredContext { .. } => "its certificate has expired: whoever runs the server has to renew it; \
                                            or is this machine's clock ahead?"
            .to_owned(),
        NotValidYet | NotValidYetContext { .. } => {
            "its certificate is not valid yet; is this machine's clock right?".to_owned()
        }
        NotValidForName => {
            "its certificate is for another name; is the server's name in the URL right?".to_owned()
        }
        NotValidForNameContext { expected, presented } => format!(
            "its certificate is not for {}, but for {}; is the server's name in the URL right?",
            expected.to_str(),
            names(presented),
        ),
        UnknownIssuer => "its certificate is of an authority that this system does not trust; that of a server of \
                          your own belongs into the system's certificates, or into a file that SSL_CERT_FILE names"
            .to_owned(),
        Revoked => "its certificate was revoked: whoever runs the server has to replace it".to_owned(),
        other => format!("its certificate cannot be trusted ({other:?}): whoever runs the server has to replace it"),
    }
}

/// Names as rustls lists them, such as `DnsName("a.example")`, without what is around them.
fn names(presented: &[String]) -> String {
    let name = |it: &String| it.split('"').nth(1).unwrap_or(it).to_owned();
    match presented {
        [] => "none".to_owned(),
        all => all.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}
