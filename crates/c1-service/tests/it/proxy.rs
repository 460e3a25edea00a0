//! Connections through a proxy, and around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use access_core::{Diagnostic, StatusCode};
use c1_service::{C1Client, C1Error, Network, NetworkFault, Proxies, UploadProgress};
use c1_sim::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::tenant::{Tenant, direct};
use crate::uploads::file;

/// A proxy that only supports CONNECT.
#[derive(Clone)]
struct Proxy {
    address: String,
    /// The heads of received requests.
    heads: Arc<Mutex<Vec<String>>>,
    /// Whether bytes are swallowed, as with an unplugged cable.
    dead: Arc<AtomicBool>,
}

impl Proxy {
    async fn start(answer: &'static str) -> Self {
        Self::start_with_target(answer, None).await
    }

    /// Starts a proxy that connects to `target_override` in place of the requested target.
    async fn start_with_target(answer: &'static str, target_override: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap().to_string(),
            heads: Arc::default(),
            dead: Arc::default(),
        };
        let own = proxy.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(own.clone().serve(client, answer, target_override.clone()));
            }
        });
        proxy
    }

    async fn serve(self, mut client: TcpStream, answer: &'static str, target_override: Option<String>) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = client.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let target = head.split(' ').nth(1).unwrap().to_owned();
        self.heads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(head);
        client
            .write_all(format!("HTTP/1.1 {answer}\r\nVia: test\r\n\r\n").as_bytes())
            .await
            .unwrap();
        if !answer.starts_with("200") {
            return;
        }
        let server = TcpStream::connect(target_override.unwrap_or(target))
            .await
            .unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // Only connections that exist at this moment are dead.
        let dead = Arc::clone(&self.dead);
        tokio::join!(
            pump(from_client, to_server, &dead),
            pump(from_server, to_client, &dead)
        );
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn network(&self, no_proxy: &str) -> Network {
        Network {
            proxies: Proxies::through(&format!("http://us%65r:pass@{}", self.address), no_proxy),
            ..direct()
        }
    }
}

async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, dead: &AtomicBool) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read) = from.read(&mut buffer).await {
        if dead.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
}

#[tokio::test]
async fn sign_in_and_calls_go_through_the_proxy() {
    let tenant = Tenant::healthy();
    let proxy = Proxy::start("200 Connection established").await;
    let client = tenant.client_over(&proxy.network(""));
    client.get_task().await.unwrap();
    let (id, task) = tenant.sync_task();
    let (file, content) = file(3 << 20);
    client.upload(&task, file.path()).await.unwrap();
    let done = tenant.sim.tasks().progress(&id).unwrap();
    assert_eq!(
        std::fs::read(&done.assets().next().unwrap().path).unwrap(),
        content
    );
    let heads = proxy.heads();
    assert_eq!(heads.len(), 2, "{heads:?}");
    for head in heads {
        let head = head.to_ascii_lowercase();
        let authority = tenant.sim.authority();
        assert!(
            head.starts_with(&format!("connect {authority} http/1.1\r\nhost: {authority}\r\n")),
            "{head}"
        );
        assert!(
            head.contains("\r\nproxy-authorization: basic dxnlcjpwyxnz\r\n"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn hosts_can_bypass_the_proxy() {
    let tenant = Tenant::healthy();
    let proxy = Proxy::start("200 OK").await;
    for no_proxy in ["localhost", "*", "other.example, localhost"] {
        tenant
            .client_over(&proxy.network(no_proxy))
            .get_task()
            .await
            .unwrap();
    }
    assert!(proxy.heads().is_empty());
}

#[tokio::test]
async fn proxy_rejection_is_reported_as_such() {
    let tenant = Tenant::healthy();
    for (answer, fault, code) in [
        (
            "407 Proxy Authentication Required",
            NetworkFault::ProxyAuthRequired,
            StatusCode::FailedPrecondition,
        ),
        ("403 Forbidden", NetworkFault::Proxy, StatusCode::Unavailable),
        ("502 Bad Gateway", NetworkFault::Proxy, StatusCode::Unavailable),
    ] {
        let proxy = Proxy::start(answer).await;
        let failed = tenant
            .client_over(&proxy.network(""))
            .get_task()
            .await
            .unwrap_err();
        assert!(
            matches!(&failed, C1Error::Network { fault: own, .. } if *own == fault),
            "{failed:?}"
        );
        assert_eq!(failed.status(), code);
        assert!(failed.hint().unwrap().contains("HTTPS_PROXY"));
        assert!(!format!("{failed} {failed:?}").contains("pass"));
    }
}

/// Sign-in uses the proxy first; the channel's own connector is only reached with an existing token.
#[tokio::test]
async fn channel_reports_a_proxy_rejection() {
    let tenant = Tenant::healthy();
    for (answer, text, code) in [
        (
            "407 No",
            "GetTask: the proxy answered CONNECT with 407",
            StatusCode::FailedPrecondition,
        ),
        (
            "503 No",
            "GetTask: the proxy answered CONNECT with 503",
            StatusCode::Unavailable,
        ),
    ] {
        let proxy = succeed_first_then(Proxy::start(answer).await).await;
        let network = Network {
            proxies: Proxies::through(&proxy, ""),
            ..direct()
        };
        let failed = tenant.client_over(&network).get_task().await.unwrap_err();
        assert_eq!((failed.to_string().as_str(), failed.status()), (text, code));
    }
}

/// A proxy that connects the first time, and then behaves like another one.
async fn succeed_first_then(bad: Proxy) -> String {
    let good = Proxy::start("200 OK").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut proxies = [good].into_iter().chain(std::iter::repeat(bad));
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let proxy = proxies.next().unwrap();
            tokio::spawn(async move {
                let mut proxy = TcpStream::connect(&proxy.address).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut proxy).await;
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn channel_rejects_an_untrusted_certificate() {
    let (tenant, other) = (Tenant::healthy(), Tenant::healthy());
    let elsewhere = Proxy::start_with_target("200 OK", Some(other.sim.authority())).await;
    let network = Network {
        proxies: Proxies::through(&succeed_first_then(elsewhere).await, ""),
        ..direct()
    };
    let failed = tenant.client_over(&network).get_task().await.unwrap_err();
    assert!(
        failed.to_string().starts_with("GetTask: TLS failed: "),
        "{failed}"
    );
    let untrusted = NetworkFault::Untrusted;
    assert!(
        matches!(failed, C1Error::Network { fault, .. } if fault == untrusted),
        "{failed:?}"
    );
    assert!(other.sim.ledger().calls().is_empty());
}

#[tokio::test]
async fn slow_connections_are_retried() {
    let tenant = Tenant::healthy();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = Proxy::start_with_target("200 OK", Some(silent.local_addr().unwrap().to_string())).await;
    let mut network = direct();
    network.proxies = Proxies::through(&succeed_first_then(silent).await, "");
    network.retry_policy.connect = Duration::from_millis(700);
    let failed = tenant.client_over(&network).get_task().await.unwrap_err();
    assert_eq!(failed.to_string(), "GetTask: no connection within 0.7 s");
    assert!(failed.retryable() && !failed.fatal_at_start());
}

#[tokio::test]
async fn unreachable_proxy_is_reported_as_such() {
    let tenant = Tenant::healthy();
    for address in ["http://127.0.0.1:1", "http://proxy.invalid:3128"] {
        let network = Network {
            proxies: Proxies::through(address, ""),
            ..direct()
        };
        let failed = tenant.client_over(&network).get_task().await.unwrap_err();
        assert!(
            matches!(
                failed,
                C1Error::Network {
                    fault: NetworkFault::Proxy,
                    ..
                }
            ),
            "{failed:?}"
        );
        assert!(failed.retryable());
    }
}

#[test]
fn unknown_proxy_type_is_rejected() {
    let tenant = Tenant::healthy();
    let network = Network {
        proxies: Proxies::through("socks5://127.0.0.1:1080", ""),
        ..direct()
    };
    let refused = C1Client::with_network(tenant.config(), &network).unwrap_err();
    assert_eq!(refused.to_string(), "a `socks5` proxy is not supported");
    assert_eq!(refused.status(), StatusCode::InvalidArgument);
}

#[tokio::test]
async fn silently_dead_connection_is_replaced() {
    let tenant = Tenant::healthy();
    let proxy = Proxy::start("200 OK").await;
    let mut network = proxy.network("");
    network.retry_policy.call = Duration::from_millis(500);
    let client = tenant.client_over(&network);
    client.get_task().await.unwrap();
    proxy.dead.store(true, Ordering::Relaxed);
    let failed = client.get_task().await.unwrap_err();
    assert_eq!(failed.status(), StatusCode::DeadlineExceeded);
    proxy.dead.store(false, Ordering::Relaxed);
    client.get_task().await.unwrap();
    let calls = tenant.sim.ledger().calls_of(Endpoint::GetTask);
    assert_ne!(calls[0].peer, calls[1].peer);
}

/// Data that is not sent stays in the file, so memory does not grow with the file.
#[tokio::test]
async fn upload_reads_no_further_than_it_sends() {
    let tenant = Tenant::healthy();
    let proxy = Proxy::start("200 OK").await;
    let mut network = proxy.network("");
    network.retry_policy.upload_stall = Duration::from_secs(1);
    let client = tenant.client_over(&network);
    let (id, task) = tenant.sync_task();
    let large = tempfile::NamedTempFile::new().unwrap();
    large.as_file().set_len(64 << 20).unwrap();
    client.get_task().await.unwrap();
    proxy.dead.store(true, Ordering::Relaxed);
    let progress = UploadProgress::default();
    let upload = client.upload_with_progress(&task, large.path(), &progress);
    let look = async {
        while progress.total() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        let taken = progress.sent();
        proxy.dead.store(false, Ordering::Relaxed);
        taken
    };
    let (uploaded, taken) = futures::future::join(upload, look).await;
    assert!((1..4 << 20).contains(&taken), "{taken}");
    assert_eq!(uploaded.unwrap().attempts, 2);
    let done = tenant.sim.tasks().progress(&id).unwrap();
    let asset = done.assets().next().unwrap();
    assert_eq!(std::fs::metadata(&asset.path).unwrap().len(), 64 << 20);
}

const CHILD: &str = "C1_SERVICE_TEST_CHILD";

/// The environment of a process cannot be changed safely, so the test runs in a process of its own.
#[tokio::test]
async fn proxy_comes_from_the_environment() {
    let proxy = Proxy::start("502 Bad Gateway").await;
    let address = format!("http://{}", proxy.address);
    for (variables, connected) in [
        (
            [("HTTPS_PROXY", address.as_str()), ("NO_PROXY", "other.invalid")],
            true,
        ),
        ([("https_proxy", address.as_str()), ("no_proxy", "")], true),
        ([("ALL_PROXY", address.as_str()), ("NO_PROXY", "")], true),
        (
            [("HTTPS_PROXY", address.as_str()), ("NO_PROXY", ".invalid")],
            false,
        ),
        ([("HTTP_PROXY", address.as_str()), ("NO_PROXY", "")], false),
    ] {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
            child.env_remove(name).env_remove(name.to_ascii_lowercase());
        }
        child.args(["--exact", "proxy::in_another_environment", "--nocapture"]);
        let output = child.env(CHILD, "yes").envs(variables).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let through = text.contains("fault: Proxy,");
        assert!(
            output.status.success() && through == connected,
            "{variables:?}: {text}"
        );
    }
    assert_eq!(proxy.heads().len(), 3);
    assert!(
        proxy
            .heads()
            .iter()
            .all(|head| head.starts_with("CONNECT tenant.invalid:443 "))
    );
}

/// Not a test of its own: the test above runs it in another process.
#[tokio::test]
async fn in_another_environment() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let tenant = Tenant::healthy();
    let mut config = tenant.config();
    config.api_host = Some("tenant.invalid".to_owned());
    println!(
        "{:?}",
        C1Client::new(config).unwrap().get_task().await.unwrap_err()
    );
    let local = C1Client::new(tenant.config()).unwrap();
    local
        .get_task()
        .await
        .expect("this machine is reached without a proxy");
}
