//! The certificates that HTTPS connections trust.

use std::sync::Arc;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The certificates that HTTPS connections trust.
#[derive(Clone, Debug)]
pub struct Trust(Certificates);

#[derive(Clone, Debug)]
enum Certificates {
    None,
    System,
    /// In PEM.
    Only(Arc<[u8]>),
}

impl Trust {
    /// Trusts nothing: for an endpoint without TLS.
    pub fn none() -> Self {
        Self(Certificates::None)
    }

    /// Trusts what the system trusts, or the file that `SSL_CERT_FILE` names.
    ///
    /// # Errors
    /// Why there are no such certificates.
    pub fn system() -> Result<Self, String> {
        let found = rustls_native_certs::load_native_certs();
        match (found.certs.as_slice(), found.errors.first()) {
            ([], None) => Err("this system has none".to_owned()),
            ([], Some(error)) => Err(error.to_string()),
            _ => Ok(Self(Certificates::System)),
        }
    }

    /// Trusts the certificates of a file in PEM, and no others, as the AWS CLI does with `AWS_CA_BUNDLE`.
    ///
    /// # Errors
    /// Why the file has no certificates that can be used.
    pub fn only(pem: Vec<u8>) -> Result<Self, String> {
        let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|error| error.to_string())?;
        if certificates.is_empty() {
            return Err("it has no certificate (`-----BEGIN CERTIFICATE-----`)".to_owned());
        }
        let mut roots = RootCertStore::empty();
        for (at, certificate) in certificates.into_iter().enumerate() {
            let number = at + 1;
            roots.add(certificate).map_err(|error| format!("certificate {number}: {error}"))?;
        }
        Ok(Self(Certificates::Only(pem.into())))
    }

    /// Returns it as the HTTP client has it.
    pub(crate) fn context(&self) -> TlsContext {
        let store = match &self.0 {
            Certificates::None => TrustStore::empty(),
            Certificates::System => TrustStore::default(),
            Certificates::Only(pem) => TrustStore::empty().with_pem_certificate(pem.to_vec()),
        };
        TlsContext::builder().with_trust_store(store).build().expect("a context is never refused")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let refused = |pem: &str| Trust::only(pem.into()).err().unwrap_or_default();
        assert_eq!(refused(""), "it has no certificate (`-----BEGIN CERTIFICATE-----`)");
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(refused(empty).starts_with("certificate 1: "), "{}", refused(empty));
        let cut = refused("-----BEGIN CERTIFICATE-----\nAAAA\n");
        assert!(cut.contains("section end"), "{cut}");
    }
}
