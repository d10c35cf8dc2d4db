//! Certificates with which a proxy takes the place of AWS's own hosts.

use std::process::Command;
use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::tree::{python, python_path};

const SCRIPT: &str = include_str!("certificates.py");

/// A certificate authority of this process, and a certificate for the hosts of AWS.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// For `AWS_CA_BUNDLE`, in PEM.
    pub authority: String,
    pub(crate) server: Arc<ServerConfig>,
}

/// Makes the certificates, once in a process.
pub fn certificates() -> &'static Certificates {
    static MADE: OnceLock<Certificates> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Command::new(python())
            .args(["-c", SCRIPT])
            .arg(folder.path())
            .env("PYTHONPATH", python_path())
            .output()
            .expect("python runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let read = |name: &str| std::fs::read(folder.path().join(name)).expect("a file");
        let chain = CertificateDer::pem_slice_iter(&read("server.pem")).collect::<Result<_, _>>();
        let key = PrivateKeyDer::from_pem_slice(&read("server.key")).expect("a key");
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(chain.expect("a chain"), key)
            .expect("a certificate with its key");
        let authority = String::from_utf8(read("authority.pem")).expect("text");
        Certificates { authority, server: Arc::new(server) }
    })
}
