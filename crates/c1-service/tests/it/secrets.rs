//! Only the tenant receives secrets.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access_core::Diagnostic;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_service::{C1Client, Credentials};
use c1_sim::{Code, Endpoint, ExpiresIn, Fault, TokenBehavior, When};
use tracing_subscriber::fmt::MakeWriter;

use crate::tenant::{CALLS, Tenant, call, config, direct};
use crate::uploads::file;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn secrets(tenant: &Tenant) -> Vec<String> {
    let secret = &tenant.sim.credentials().client_secret;
    let jwk = secret.rsplit(':').next().unwrap();
    let key: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwk).unwrap()).unwrap();
    let d = key["d"].as_str().unwrap();
    let seed = URL_SAFE_NO_PAD.decode(d).unwrap();
    let bytes = format!("{seed:?}");
    let mut secrets = vec![
        secret.clone(),
        jwk.to_owned(),
        d.to_owned(),
        bytes.trim_matches(['[', ']']).to_owned(),
        // The beginning of an assertion's header.
        "eyJhbGciOiJFZERTQSI".to_owned(),
    ];
    secrets.extend(tenant.sim.issued_tokens());
    secrets
}

#[tokio::test]
async fn no_output_contains_a_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut shown = Vec::new();

    let tenant = Tenant::with_tokens(TokenBehavior {
        expires_in: ExpiresIn::Absent,
        ..Default::default()
    });
    let mut network = direct();
    network.retry_policy.finish = Duration::from_millis(100);
    let client = tenant.client_over(&network);
    let (_, task) = tenant.sync_task();
    let (file, _) = file(600 << 10);
    for endpoint in CALLS {
        call(&client, endpoint, &task, file.path()).await.unwrap();
        for fault in [
            Fault::Refuse(Code::InvalidArgument),
            Fault::Refuse(Code::Unauthenticated),
            Fault::Http(401),
        ] {
            tenant.fault(endpoint, When::Always, fault);
            let failed = call(&client, endpoint, &task, file.path()).await.unwrap_err();
            shown.push(format!("{failed} {failed:?} {:?}", failed.hint()));
            tenant.sim.faults().clear();
        }
    }
    // A token that cannot be sent, and one in an unreadable response.
    for body in [
        "{\"access_token\":\"sim-canary\\n\"}",
        "{\"access_token\":\"sim-canary\"",
        "\"sim-canary\"",
    ] {
        tenant.fault(Endpoint::Token, When::Always, Fault::TokenBody(body.to_owned()));
        let failed = client.get_task().await.unwrap_err();
        shown.push(format!("{failed} {failed:?}"));
        tenant.sim.faults().clear();
    }
    tenant.fault(Endpoint::Token, When::Nth(1), Fault::Drop);
    let failed = client.get_task().await.unwrap_err();
    shown.push(format!("{failed} {failed:?}"));
    let unknown_client = tenant.sim.unknown_client("stranger").unwrap();
    let unknown_client =
        C1Client::with_network(config(&unknown_client, tenant.ca.path()), &direct()).unwrap();
    let failed = unknown_client.get_task().await.unwrap_err();
    shown.push(format!("{failed} {failed:?} {client:?} {:?}", tenant.config()));
    let broken = format!("{}x", tenant.sim.credentials().client_secret);
    let refused = Credentials::parse("a@b/c", &broken).unwrap_err();
    shown.push(format!("{refused} {refused:?} {:?}", refused.hint()));

    let log = String::from_utf8(log.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap();
    assert!(
        log.contains("TRACE") && log.contains("h2") && log.contains("hyper"),
        "the log is that of all libraries"
    );
    let all = log + &shown.concat();
    let mut secrets = secrets(&tenant);
    assert!(secrets.len() > 10);
    secrets.push("sim-canary".to_owned());
    for secret in secrets {
        assert!(!all.contains(&secret), "{secret} is shown");
    }
}
