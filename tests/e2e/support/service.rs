//! The program in service mode between its two simulated tenants, and the tasks that it is given.

use std::fs;
use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use baton_proto::connector_v2 as v2;
use baton_proto::connectorapi_baton_v1::task::{self as wire, TaskType};
use baton_proto::prost_types::value::Kind;
use baton_proto::prost_types::{Any, Struct, Value};
use c1_sim::{C1Sim, C1SimConfig, Finish, TaskId};
use ninjaone_sim::{SimConfig, Tenant};

use crate::harness::{SECRET, TestContext};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program in service mode, between its two tenants.
pub(crate) struct Served {
    pub(crate) context: TestContext,
    pub(crate) c1: C1Sim,
    pub(crate) child: Option<Child>,
}

impl Served {
    pub(crate) fn new(ninja: &SimConfig, c1: C1SimConfig, arguments: &[&str]) -> Self {
        let mut served = Self::not_started(ninja, c1);
        served.start(arguments);
        served
    }

    /// Both tenants, and no program between them yet.
    pub(crate) fn not_started(ninja: &SimConfig, c1: C1SimConfig) -> Self {
        Self {
            context: TestContext::with(ninja),
            c1: C1Sim::start(c1).unwrap(),
            child: None,
        }
    }

    pub(crate) fn msp(arguments: &[&str]) -> Self {
        Self::new(
            &SimConfig::new(Tenant::fixture("msp").unwrap()),
            C1SimConfig::default(),
            arguments,
        )
    }

    pub(crate) fn start(&mut self, arguments: &[&str]) {
        self.start_with(arguments, |_| ());
    }

    /// Starts the program with something more in its environment.
    pub(crate) fn start_with(&mut self, arguments: &[&str], more: impl FnOnce(&mut std::process::Command)) {
        fs::write(self.context.path("c1-ca.pem"), self.c1.ca_pem()).unwrap();
        let credentials = self.c1.credentials();
        let mut command = self.context.command(arguments);
        command
            .env("BATON_CLIENT_ID", &credentials.client_id)
            .env("BATON_CLIENT_SECRET", &credentials.client_secret)
            .env("BATON_CA_FILE", "c1-ca.pem")
            .env("BATON_HOST_ID", "test-host")
            .env("BATON_LOG_LEVEL", "debug")
            .stdout(Stdio::piped())
            .stderr(Stdio::from(fs::File::create(self.context.path("log")).unwrap()));
        more(&mut command);
        self.child = Some(command.spawn().unwrap());
    }

    pub(crate) fn push(&self, task: TaskType) -> TaskId {
        self.c1.tasks().push(task)
    }

    /// The one end of a task.
    pub(crate) fn finished(&self, id: &TaskId) -> Finish {
        self.c1
            .tasks()
            .finished_once(id, PATIENCE)
            .unwrap_or_else(|error| panic!("{error:?}\n{}", self.log()))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.context.path("log")).unwrap()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let child = self.child.as_ref().unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Asks the service to stop, waits for it, and looks for secrets and leftovers.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal(rustix::process::Signal::TERM);
        self.ended()
    }

    pub(crate) fn ended(&mut self) -> Option<i32> {
        let mut child = self.child.take().unwrap();
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut output = self.log();
        if let Ok(audit) = fs::read_to_string(self.context.path("audit.jsonl")) {
            output.push_str(&audit);
        }
        child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        for hidden in self.secrets() {
            assert!(!output.contains(&hidden), "a secret was told");
        }
        status.code()
    }

    /// Both sides' secrets and tokens, which must appear nowhere.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = self.c1.issued_tokens();
        secrets.push(self.c1.credentials().client_secret.clone());
        secrets.extend([SECRET, "sim-token"].map(str::to_owned));
        secrets
    }

    pub(crate) fn temp_is_empty(&self) -> bool {
        fs::read_dir(self.context.path("tmp")).unwrap().count() == 0
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn resource_id(resource_type: &str, id: &str) -> v2::ResourceId {
    v2::ResourceId {
        resource_type: resource_type.to_owned(),
        resource: id.to_owned(),
        ..v2::ResourceId::default()
    }
}

pub(crate) fn principal(id: &str) -> v2::Resource {
    v2::Resource {
        id: Some(resource_id("user", id)),
        ..v2::Resource::default()
    }
}

/// An entitlement with the resource that its id names.
pub(crate) fn entitlement(id: &str) -> v2::Entitlement {
    let mut parts = id.split(':');
    let mut next = || parts.next().unwrap_or_default();
    v2::Entitlement {
        id: id.to_owned(),
        resource: Some(v2::Resource {
            id: Some(resource_id(next(), next())),
            ..v2::Resource::default()
        }),
        ..v2::Entitlement::default()
    }
}

pub(crate) fn grant(role: &str, user: &str) -> TaskType {
    TaskType::Grant(wire::GrantTask {
        entitlement: Some(entitlement(role)),
        principal: Some(principal(user)),
        ..wire::GrantTask::default()
    })
}

pub(crate) fn revoke(role: &str, user: &str) -> TaskType {
    TaskType::Revoke(wire::RevokeTask {
        grant: Some(v2::Grant {
            id: format!("{role}:user:{user}"),
            entitlement: Some(entitlement(role)),
            principal: Some(principal(user)),
            ..v2::Grant::default()
        }),
        ..wire::RevokeTask::default()
    })
}

pub(crate) fn object(fields: &[(&str, Kind)]) -> Struct {
    let fields = fields.iter().map(|(key, kind)| {
        let value = Value {
            kind: Some(kind.clone()),
        };
        ((*key).to_owned(), value)
    });
    Struct {
        fields: fields.collect(),
    }
}

pub(crate) fn text(text: &str) -> Kind {
    Kind::StringValue(text.to_owned())
}

pub(crate) fn create(email: &str) -> TaskType {
    TaskType::CreateAccount(wire::CreateAccountTask {
        account_info: Some(v2::AccountInfo {
            login: email.to_owned(),
            profile: Some(object(&[
                ("user_type", text("TECHNICIAN")),
                ("first_name", text("Nia")),
                ("last_name", text("Okoro")),
                ("roles", text("role:4")),
            ])),
            ..v2::AccountInfo::default()
        }),
        resource_type_id: "user".to_owned(),
        ..wire::CreateAccountTask::default()
    })
}

pub(crate) fn delete(resource_type: &str, id: &str) -> TaskType {
    TaskType::DeleteResource(wire::DeleteResourceTask {
        resource_id: Some(resource_id(resource_type, id)),
        parent_resource_id: None,
    })
}

pub(crate) fn invoke(name: &str, args: Struct) -> TaskType {
    TaskType::ActionInvoke(wire::ActionInvokeTask {
        name: name.to_owned(),
        args: Some(args),
        ..wire::ActionInvokeTask::default()
    })
}

/// How a task ended, for people.
pub(crate) fn render_finish(finish: &Finish) -> String {
    let names = |list: &[Any]| {
        let names = list
            .iter()
            .map(|any| any.type_url.rsplit('.').next().unwrap_or_default().to_owned());
        names.collect::<Vec<_>>().join(", ")
    };
    if finish.is_success() {
        let response = match &finish.end {
            baton_proto::connectorapi_baton_v1::baton_service_finish_task_request::FinalState::Success(
                success,
            ) => names(success.response.as_slice()),
            baton_proto::connectorapi_baton_v1::baton_service_finish_task_request::FinalState::Error(_) => {
                String::new()
            }
        };
        return format!("ok, {response} [{}]", names(finish.annotations()));
    }
    let again = if finish.non_retryable() {
        "for good"
    } else {
        "may be tried again"
    };
    format!("{:?}, {again}: {}", finish.code(), finish.message())
}

/// A revocation whose entitlement has the resource of another one, or whose grant has another id.
pub(crate) fn contradicting_revoke(role: &str, user: &str, resource_of: &str, grant_id: &str) -> TaskType {
    TaskType::Revoke(wire::RevokeTask {
        grant: Some(v2::Grant {
            id: grant_id.to_owned(),
            entitlement: Some(v2::Entitlement {
                id: role.to_owned(),
                ..entitlement(resource_of)
            }),
            principal: Some(principal(user)),
            ..v2::Grant::default()
        }),
        ..wire::RevokeTask::default()
    })
}
