//! What ConductorOne gives and an administrator pastes, as the fuzzer makes it up (docs/development/testing.md). Not in the program:
//! compiled with `--cfg fuzzing`, and for the tests that replay the corpus.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "the fuzzer learns of what is wrong by a panic"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use access_core::StatusCode;
use access_core::model::{ResourceTypeId, Slug};
use access_core::ports::{EventCursor, EventPage};
use access_core::provisioning::{
    AccountField, AccountKind, AccountKindSpec, AccountSchema, Change, FieldRule, Outcome, ProvisioningTerms,
};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use baton_proto::connectorapi_baton_v1 as wire;
use baton_proto::connectorapi_baton_v1::task::TaskType;
use baton_proto::prost::Message;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

use crate::tasks::{Actions, TaskDisposition, TaskHandler, parse_sync_task, task_kind};
use crate::{
    BuildInfo, C1Client, C1Config, CancelToken, Connector, Credentials, Hello, HostId, Network, OsInfo,
    Proxies, RetryPolicy, SyncTaskSpec, TaskFailure, TaskId, TaskResult,
};

/// Client id and secret, one a line. Begins the secret with `{`, it is the key before it is encoded.
///
/// # Panics
/// If reading it breaks a promise.
pub fn client_secret(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (client_id, secret) = text.split_once('\n').unwrap_or(("a@b.example/c", &text));
    let secret = if secret.starts_with('{') {
        format!(
            "secret-token:conductorone.com:v1:{}",
            URL_SAFE_NO_PAD.encode(secret)
        )
    } else {
        secret.to_owned()
    };
    let read = Credentials::parse(client_id, &secret);
    let shown = format!("{read:?}");
    let may_show = [
        "Err(ClientId)".to_owned(),
        "Err(ClientSecret)".to_owned(),
        format!("Ok(Credentials {{ client_id: {client_id:?}, .. }})"),
    ];
    assert!(may_show.contains(&shown), "shows something else: {shown}");
    let Ok(credentials) = read else { return };
    let start = format!("{}@{}/", credentials.client_name(), credentials.host());
    assert!(client_id.starts_with(&start), "{client_id} is read as {start}");
    assert!(credentials.host().starts_with(credentials.audience()));
    assert!(!credentials.host().contains(['/', '@', ' ', '?', '#']), "{start}");
    let public = public_key(&secret).expect("the secret holds its public key");
    let signature = credentials.sign(input);
    let verified = UnparsedPublicKey::new(&ED25519, public).verify(input, &signature);
    verified.expect("its signatures are those of its key");
}

/// The public key of a client secret, as another reader decodes it. Unused members may have any type.
fn public_key(secret: &str) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct PublicJwk {
        x: String,
    }
    let jwk = URL_SAFE_NO_PAD.decode(secret.rsplit(':').next()?).ok()?;
    let jwk_fields: PublicJwk = serde_json::from_slice(&jwk).ok()?;
    URL_SAFE_NO_PAD.decode(jwk_fields.x).ok()
}

/// A task from the wire, up to the request to the connector.
///
/// # Panics
/// If reading it breaks a promise.
pub fn tasks(input: &[u8]) {
    let Ok(message) = wire::Task::decode(input) else {
        return;
    };
    let again = message.encode_to_vec();
    let decoded = wire::Task::decode(again.as_slice()).expect("our own encoding");
    assert_eq!(
        again,
        decoded.encode_to_vec(),
        "another message after a round trip"
    );
    let Ok(Some(task)) = crate::client::parse_task(message) else {
        return;
    };
    assert!((1..=256).contains(&task.id.as_str().len()));
    let _ = task_kind(task.kind.as_ref());
    match &task.kind {
        // These two call ConductorOne first.
        Some(TaskType::Hello(_)) => return,
        Some(TaskType::SyncFull(requested)) => {
            if let Err(failure) = parse_sync_task(requested) {
                assert!(!failure.message.is_empty());
            }
            return;
        }
        _ => {}
    }
    let runtime = runtime();
    let requests = Arc::new(AtomicUsize::new(0));
    let verdict = runtime.block_on(async {
        let (_handle, stop) = CancelToken::new();
        Box::pin(handler(&requests).handle(task.clone(), stop)).await
    });
    let requests = requests.load(Ordering::Relaxed);
    assert!(requests <= 1, "one task, {requests} requests");
    match verdict {
        TaskDisposition::NoFinish => panic!("a task that never ends"),
        TaskDisposition::Finish(TaskResult::Success { response, .. }) => {
            assert!(response.is_some_and(|response| !response.type_url.is_empty()));
        }
        TaskDisposition::Finish(TaskResult::Failure { code, message, .. }) => {
            assert!(!message.is_empty(), "{code:?} says nothing");
        }
    }
}

/// Refuses changes and has no events.
struct Nothing(Arc<AtomicUsize>);

#[async_trait]
impl Connector for Nothing {
    async fn sync(&self, _: &TaskId, _: SyncTaskSpec, _: CancelToken) -> Result<(), TaskFailure> {
        panic!("no sync is worked on here")
    }

    async fn change(&self, _: &TaskId, change: Change, _: CancelToken) -> Result<Outcome, TaskFailure> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(TaskFailure::new(StatusCode::Unimplemented, format!("{change:?}")))
    }

    async fn events(&self, _: EventCursor, max_events: usize) -> Result<EventPage, TaskFailure> {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert!((1..=1000).contains(&max_events), "a page of {max_events}");
        Ok(EventPage {
            events: Vec::new(),
            cursor: "next".to_owned(),
            has_more: false,
        })
    }
}

const MEMBER: AccountKind = AccountKind::new(&AccountKindSpec {
    word: "MEMBER",
    name: "member",
    article: "a",
    may_administer: false,
    audited: &[],
    advice: &[],
});

const fn field(name: &'static str, rule: FieldRule) -> AccountField {
    AccountField::optional(name, name, rule, "", "")
}

/// A field of every sort.
static ACCOUNTS: AccountSchema = AccountSchema {
    kinds: &[MEMBER],
    administrator_title: "administrator",
    max_name_chars: 150,
    create_fields: &[
        field("user_type", FieldRule::Kind).required(),
        field("first_name", FieldRule::GivenName).required(),
        field("last_name", FieldRule::FamilyName).required(),
        field("email", FieldRule::Email).required(),
        field("phone", FieldRule::Text),
        field("organization_id", FieldRule::Organization),
        field("full_portal_access", FieldRule::Flag),
        field("roles", FieldRule::Roles),
    ],
    update_fields: &[
        field("user_id", FieldRule::Account).required(),
        field("first_name", FieldRule::GivenName),
        field("organization_id", FieldRule::Organization),
        field("full_portal_access", FieldRule::Flag),
    ],
    update_description: "",
    refused: &[],
    unchangeable: &[("email", "it stays")],
};

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    })
}

/// A client that sends nothing, because no sending method is called. The key is that of RFC 8037, appendix A.
fn client() -> C1Client {
    static CLIENT: OnceLock<C1Client> = OnceLock::new();
    let new_client = || {
        let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#;
        let secret = format!("a:b:v1:{}", URL_SAFE_NO_PAD.encode(key));
        let config = C1Config {
            credentials: Credentials::parse("a@127.0.0.1:9/b", &secret).expect("credentials"),
            host_id: HostId::choose(Some("fuzz")),
            api_host: None,
            ca_file: None,
            user_agent_version: "0".to_owned(),
        };
        let network = Network {
            proxies: Proxies::none(),
            retry_policy: RetryPolicy::default(),
        };
        C1Client::with_network(config, &network).expect("a client")
    };
    CLIENT.get_or_init(new_client).clone()
}

fn handler(requests: &Arc<AtomicUsize>) -> TaskHandler {
    TaskHandler {
        client: client(),
        connector: Arc::new(Nothing(Arc::clone(requests))),
        terms: ProvisioningTerms {
            account_type: ResourceTypeId::from_static("user"),
            role_type: ResourceTypeId::from_static("role"),
            role_slug: Slug::from_static("assigned"),
            immutable_types: vec![ResourceTypeId::from_static("organization")],
            account_permissions: Vec::new(),
            accounts: &ACCOUNTS,
        },
        allow_admin_delete: true,
        hello: Hello {
            task_id: None,
            metadata: baton_proto::connector_v2::ConnectorMetadata::default(),
            os_info: OsInfo::default(),
            build_info: BuildInfo::default(),
        },
        actions: Actions::default(),
        heartbeat_failures: 1,
        max_heartbeat_pause: Duration::from_secs(1),
    }
}

#[cfg(test)]
#[path = "../replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay;

    #[test]
    fn the_corpora_hold() {
        replay::corpus("client_secret", super::client_secret);
        replay::corpus("c1_tasks", super::tasks);
    }
}
