//! The one way to make HTTP clients: TLS by rustls, with the certificate authorities of the machine.

use std::sync::OnceLock;

use reqwest::ClientBuilder;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// A client that is about to be made.
#[expect(clippy::disallowed_methods, reason = "the one place that makes clients")]
pub fn builder() -> ClientBuilder {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    let tls = TLS.get_or_init(tls).clone();
    reqwest::Client::builder().tls_backend_preconfigured(tls)
}

fn tls() -> ClientConfig {
    // Somebody may have been faster; then theirs serves as well.
    let _already_there = ring::default_provider().install_default();
    match ClientConfig::builder().with_platform_verifier() {
        Ok(verified) => verified.with_no_client_auth(),
        Err(err) => {
            // Neighbours can still be reached by plain HTTP.
            tracing::warn!(error = %err, "no certificate authorities: no https from here");
            let nobody = RootCertStore::empty();
            ClientConfig::builder().with_root_certificates(nobody).with_no_client_auth()
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_client_can_be_made() {
        assert!(super::builder().build().is_ok());
    }
}
