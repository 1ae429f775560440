//! TLS in front of a server that has none, with certificates of an authority of the test's own.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};

/// Who issues certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A server's certificate and its key.
#[derive(Debug)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    /// A new one of this name, whom nobody trusts yet.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn new(name: &str) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(vec![])?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let pem = parameters.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(parameters, key), pem })
    }

    /// Writes what makes a program trust it, where `SSL_CERT_FILE` names the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        let path = dir.join("authority.pem");
        std::fs::write(&path, &self.pem)?;
        Ok(path)
    }

    /// A certificate for a name, or an address.
    ///
    /// # Errors
    /// It is neither.
    pub fn certificate(&self, name: &str) -> Result<Certificate> {
        self.sign(CertificateParams::new(vec![name.to_owned()])?)
    }

    /// One that was valid in 2019.
    ///
    /// # Errors
    /// The name is none.
    pub fn expired(&self, name: &str) -> Result<Certificate> {
        let mut parameters = CertificateParams::new(vec![name.to_owned()])?;
        parameters.not_before = date_time_ymd(2019, 1, 1);
        parameters.not_after = date_time_ymd(2020, 1, 1);
        self.sign(parameters)
    }

    fn sign(&self, parameters: CertificateParams) -> Result<Certificate> {
        let key = KeyPair::generate()?;
        let signed = parameters.signed_by(&key, &self.issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Ok(Certificate { chain: vec![signed.der().clone()], key })
    }
}

/// Listens for TLS on a port of loopback and hands what it hears to another port, as `stunnel` does.
#[derive(Debug)]
pub struct TlsFront {
    port: u16,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TlsFront {
    /// Starts it before the server at `port`.
    ///
    /// # Errors
    /// The certificate is not one.
    pub fn start(port: u16, certificate: Certificate) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certificate.chain, certificate.key)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let ours = listener.local_addr()?.port();
        let stopped = Arc::<AtomicBool>::default();
        let (config, flag) = (Arc::new(config), Arc::clone(&stopped));
        let serve = move || serve(&listener, port, &config, &flag);
        let thread = thread::Builder::new().name("gs-tls-front".into()).spawn(serve)?;
        Ok(Self { port: ours, stopped, thread: Some(thread) })
    }

    /// The URL of a stream of the application `live`, by this name of the server.
    pub fn url(&self, host: &str, key: &str) -> String {
        format!("rtmps://{host}:{}/live/{key}", self.port)
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there was printed; there is nothing else to tell.
            let _ = thread.join();
        }
    }
}

/// A thread for each connection; all of them end with the front.
fn serve(listener: &TcpListener, port: u16, config: &Arc<ServerConfig>, stopped: &AtomicBool) {
    thread::scope(|scope| {
        while !stopped.load(Ordering::Relaxed) {
            match listener.accept() {
                Ok((client, _)) => {
                    scope.spawn(move || {
                        // A client that does not like the certificate hangs up: that is its test.
                        let _ = Carrier::new(client, port, config).and_then(|it| it.run(stopped));
                    });
                }
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    });
}

/// Carries bytes between a client and the server.
struct Carrier {
    tls: ServerConnection,
    client: TcpStream,
    server: TcpStream,
    to_server: Vec<u8>,
}

impl Carrier {
    fn new(client: TcpStream, port: u16, config: &Arc<ServerConfig>) -> io::Result<Self> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        client.set_nonblocking(true)?;
        server.set_nonblocking(true)?;
        let tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        Ok(Self { tls, client, server, to_server: Vec::new() })
    }

    /// Until either side ends.
    fn run(mut self, stopped: &AtomicBool) -> io::Result<()> {
        while !stopped.load(Ordering::Relaxed) {
            self.wait()?;
            self.hear_client()?;
            self.hear_server()?;
            while self.tls.wants_write() && again(self.tls.write_tls(&mut self.client))?.is_some() {}
        }
        Ok(())
    }

    fn hear_client(&mut self) -> io::Result<()> {
        while let Some(length) = again(self.tls.read_tls(&mut self.client))? {
            let understood = self.tls.process_new_packets();
            if understood.is_err() || length == 0 {
                // Why is said to the client, where it still listens.
                let _ = self.tls.write_tls(&mut self.client);
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let mut buffer = [0; 16 << 10];
            while let Ok(length @ 1..) = self.tls.reader().read(&mut buffer) {
                self.to_server.extend(&buffer[..length]);
            }
        }
        while !self.to_server.is_empty() {
            let Some(length) = again(self.server.write(&self.to_server))? else { break };
            self.to_server.drain(..length);
        }
        Ok(())
    }

    fn hear_server(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        match again(self.server.read(&mut buffer))? {
            None => Ok(()),
            Some(0) => Err(ErrorKind::UnexpectedEof.into()),
            Some(length) => self.tls.writer().write_all(&buffer[..length]),
        }
    }

    fn wait(&self) -> io::Result<()> {
        let mut polled = [PollFd::new(&self.client, PollFlags::IN), PollFd::new(&self.server, PollFlags::IN)];
        // Writing is tried again then, too.
        poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 20_000_000 }))?;
        Ok(())
    }
}

/// `None` where it would have to wait.
fn again(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(length) => Ok(Some(length)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
