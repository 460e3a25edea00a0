//! Opens connections for the gRPC channel: TCP, optionally through a proxy, and TLS (docs/reference/conductorone.md
//! §3.4).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use net_tls::{UnresolvedHost, resolve_host};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::Authority;

use super::network_error::ConnectError;

/// A dead peer is detected after this time while data is unacknowledged.
#[cfg(target_os = "linux")]
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(45);
/// On an idle connection a dead peer is detected after three more probe intervals.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum size of a proxy response.
const MAX_PROXY_RESPONSE_BYTES: usize = 16 << 10;
const HTTPS: u16 = 443;

/// A byte stream: TCP, or TLS to a proxy.
pub(super) trait IoStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> IoStream for T {}
pub(super) type BoxedIoStream = Box<dyn IoStream>;

/// Resolves names for the connector, with a typed error.
#[derive(Clone)]
struct HostResolver;

impl Service<Name> for HostResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = UnresolvedHost;
    type Future = BoxFuture<'static, Result<Self::Response, UnresolvedHost>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UnresolvedHost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move { Ok(resolve_host(name.as_str()).await?.into_iter()) })
    }
}

/// Opens connections to one host.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector<HostResolver>,
    /// Offers HTTP/2 to the host.
    tls: Arc<ClientConfig>,
    /// Offers HTTP/1.1 to a proxy.
    proxy_tls: Arc<ClientConfig>,
    proxy: Option<Intercept>,
    target: Authority,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(
        tls: &ClientConfig,
        proxy: Option<Intercept>,
        target: Authority,
        timeout: Duration,
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(HostResolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeout));
        tcp.set_keepalive(Some(KEEPALIVE_IDLE));
        tcp.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
        tcp.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
        let with = |protocol: &[u8]| {
            let mut tls = tls.clone();
            tls.alpn_protocols = vec![protocol.to_vec()];
            Arc::new(tls)
        };
        Self {
            tcp,
            tls: with(b"h2"),
            proxy_tls: with(b"http/1.1"),
            proxy,
            target,
            timeout,
        }
    }

    async fn connect(self) -> Result<TokioIo<TlsStream<BoxedIoStream>>, ConnectError> {
        let port = self.target.port_u16().unwrap_or(HTTPS);
        let io = match &self.proxy {
            Some(proxy) => self.tunnel(proxy, port).await?,
            None => tcp(self.tcp.clone(), self.target.host(), port).await?,
        };
        let stream = tls(self.tls, self.target.host(), io).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(ConnectError::NoHttp2);
        }
        tracing::debug!(host = %self.target, proxy = self.proxy.is_some(), "connected");
        Ok(TokioIo::new(stream))
    }

    async fn tunnel(&self, proxy: &Intercept, port: u16) -> Result<BoxedIoStream, ConnectError> {
        let uri = proxy.uri();
        let host = uri.host().unwrap_or_default();
        let secure = uri.scheme_str() == Some("https");
        let own_port = uri.port_u16().unwrap_or(if secure { HTTPS } else { 80 });
        let io = tcp(self.tcp.clone(), host, own_port).await;
        let mut io = io.map_err(ConnectError::at_proxy)?;
        if secure {
            io = Box::new(tls(Arc::clone(&self.proxy_tls), host, io).await?);
        }
        let target = format!("{}:{port}", self.target.host());
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        if let Some(password) = proxy.basic_auth() {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(password.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        let protocol_error = |error: io::Error| ConnectError::ProxyProtocol(error.to_string());
        io.write_all(&request).await.map_err(protocol_error)?;
        io.flush().await.map_err(protocol_error)?;
        match read_proxy_status(&mut io).await? {
            200..=299 => Ok(io),
            status => Err(ConnectError::ProxyStatus(status)),
        }
    }
}

/// Reads the status of a proxy response, byte by byte: the data after it belongs to the host.
async fn read_proxy_status(io: &mut BoxedIoStream) -> Result<u16, ConnectError> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_PROXY_RESPONSE_BYTES {
            return Err(ConnectError::ProxyProtocol("its answer does not end".to_owned()));
        }
        let byte = io.read_u8().await;
        head.push(byte.map_err(|error| ConnectError::ProxyProtocol(error.to_string()))?);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split_whitespace();
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    let status = words.next().and_then(|status| status.parse().ok());
    status
        .filter(|_| is_http)
        .ok_or_else(|| ConnectError::ProxyProtocol("its answer is not HTTP".to_owned()))
}

async fn tcp(
    mut connector: HttpConnector<HostResolver>,
    host: &str,
    port: u16,
) -> Result<BoxedIoStream, ConnectError> {
    let uri = Uri::builder()
        .scheme("http")
        .authority(format!("{host}:{port}"))
        .path_and_query("/")
        .build();
    let uri = uri.map_err(|error| ConnectError::tcp(&error))?;
    match connector.call(uri).await {
        Ok(stream) => Ok(Box::new(stream.into_inner())),
        Err(error) => Err(ConnectError::tcp(&error)),
    }
}

async fn tls(
    config: Arc<ClientConfig>,
    host: &str,
    io: BoxedIoStream,
) -> Result<TlsStream<BoxedIoStream>, ConnectError> {
    let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(name).map_err(|error| ConnectError::Tls {
        reason: error.to_string(),
        untrusted: false,
    })?;
    let stream = TlsConnector::from(config).connect(name, io).await;
    stream.map_err(|error| ConnectError::tls(&error))
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TlsStream<BoxedIoStream>>;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let timeout = connector.timeout;
            let connected = tokio::time::timeout(timeout, connector.connect()).await;
            connected.unwrap_or(Err(ConnectError::Timeout(timeout)))
        })
    }
}
