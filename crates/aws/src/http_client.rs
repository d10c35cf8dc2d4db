//! The HTTP client of all SDK clients: HTTPS with rustls, proxies of the environment, and errors that say what
//! was not reached.

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;

use crate::trust::Trust;
use crate::unreached::Proxies;

/// Returns the client of a connection. By default the SDK ignores proxy variables.
pub fn client(proxies: &Proxies, trust: Trust) -> SharedHttpClient {
    let of = proxies.clone();
    let inner = aws_smithy_http_client::Builder::new()
        .build_with_connector_fn(move |settings, _| rustls_connector(&of, &trust, settings));
    SharedHttpClient::new(Explaining { inner, proxies: proxies.clone() })
}

/// Returns a connector like those of the client, for requests outside the SDK.
pub fn connector(
    proxies: &Proxies,
    trust: &Trust,
    settings: &HttpConnectorSettings,
) -> SharedHttpConnector {
    let inner = rustls_connector(proxies, trust, Some(settings));
    SharedHttpConnector::new(Explaining { inner, proxies: proxies.clone() })
}

fn rustls_connector(
    proxies: &Proxies,
    trust: &Trust,
    settings: Option<&HttpConnectorSettings>,
) -> Connector {
    let mut builder = Connector::builder();
    builder.set_connector_settings(settings.cloned());
    builder.set_sleep_impl(Some(SharedAsyncSleep::new(TokioSleep::new())));
    builder.set_proxy_config(Some(proxies.config()));
    let rustls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    builder.tls_provider(rustls).tls_context(trust.context()).build()
}

/// A client or connector whose errors say what was not reached.
#[derive(Debug)]
struct Explaining<T> {
    inner: T,
    proxies: Proxies,
}

impl HttpClient for Explaining<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Explaining { inner, proxies: self.proxies.clone() })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

impl<T: HttpConnector> HttpConnector for Explaining<T> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (proxies, uri) = (self.proxies.clone(), request.uri().to_owned());
        let sent = self.inner.call(request);
        HttpConnectorFuture::new(
            async move { sent.await.map_err(|error| proxies.explain(error, &uri)) },
        )
    }
}
