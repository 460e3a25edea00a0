//! The running server, as tests inspect and control it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::service::S3ServiceBuilder;
use sim_kit::{Listener, Server, ServerError};
use tokio::net::TcpStream;

use crate::auth::StaticCredentials;
use crate::bucket::Bucket;
use crate::config::S3SimConfig;
use crate::fault::{Faults, S3Fault};
use crate::ledger::{RequestLedger, S3Request};
use crate::object::Object;
use crate::operations::Operations;
use crate::respond::{Shared, respond};
use crate::switches::{S3Conditions, Switches};

/// A running simulated S3. Dropping it stops it.
#[derive(Debug)]
pub struct S3Sim {
    bucket: Bucket,
    faults: Faults,
    ledger: RequestLedger,
    switches: Switches,
    server: Server,
}

impl S3Sim {
    /// Starts a server on a free port; it answers when this returns.
    ///
    /// # Errors
    /// [`ServerError`] if a port or thread cannot be created.
    pub fn start(config: S3SimConfig) -> Result<Self, ServerError> {
        let listener = Listener::bind_loopback()?;
        let bucket = Bucket::default();
        let faults = Faults::default();
        let ledger = RequestLedger::default();
        let switches = Switches::default();
        let mut service = S3ServiceBuilder::new(Operations {
            name: config.bucket,
            read_only_prefix: config.read_only_prefix,
            bucket: bucket.clone(),
            switches: switches.clone(),
        });
        service.set_auth(StaticCredentials {
            access_key: config.access_key,
            secret_key: config.secret_key.into(),
        });
        let shared = Shared {
            service: service.build(),
            faults: faults.clone(),
            ledger: ledger.clone(),
            switches: switches.clone(),
        };
        let server = Server::start("s3-sim", listener, move |stream, _| {
            serve_connection(stream, shared.clone())
        })?;
        Ok(Self {
            bucket,
            faults,
            ledger,
            switches,
            server,
        })
    }

    /// The address to configure a client with, e.g. `http://127.0.0.1:41234`. Buckets are in the path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// A copy of every object.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let contents = self.bucket.contents();
        let objects = contents.objects.iter();
        objects
            .map(|(key, object)| (key.clone(), object.bytes.to_vec()))
            .collect()
    }

    /// The keys of multipart uploads that were neither completed nor aborted; S3 would charge for them.
    #[must_use]
    pub fn unfinished_uploads(&self) -> Vec<String> {
        self.bucket.contents().unfinished_uploads()
    }

    /// Stores an object directly.
    pub fn put(&self, key: impl Into<String>, bytes: impl Into<Bytes>) {
        let object = Object::from_bytes(bytes.into());
        self.bucket.contents().objects.insert(key.into(), object);
    }

    /// Removes an object directly.
    pub fn delete(&self, key: &str) {
        self.bucket.contents().objects.remove(key);
    }

    /// Changes the modification time of an object.
    pub fn set_modified(&self, key: &str, modified: SystemTime) {
        if let Some(object) = self.bucket.contents().objects.get_mut(key) {
            object.modified = modified;
        }
    }

    /// Sets how the store treats conditions of writes.
    pub fn set_conditions(&self, conditions: S3Conditions) {
        self.switches.set_conditions(conditions);
    }

    /// From now on no answer has an `ETag`.
    pub fn leave_out_e_tags(&self) {
        self.switches.leave_out_e_tags();
    }

    /// Every request since the start or the last [`Self::forget_requests`].
    #[must_use]
    pub fn requests(&self) -> Vec<S3Request> {
        self.ledger.calls()
    }

    /// Clears the list of requests. Faults keep their count.
    pub fn forget_requests(&self) {
        self.ledger.clear();
    }

    /// The `n`-th request from now on, counted from 0, and all later ones fail. This replaces an earlier call.
    /// `None` removes all faults.
    pub fn fail_from(&self, n: Option<u64>, fault: S3Fault) {
        self.faults.fail_from(n, fault);
    }

    /// Only the `n`-th request from now on, counted from 0, fails. It takes precedence over [`Self::fail_from`].
    pub fn fail_once(&self, n: u64, fault: S3Fault) {
        self.faults.fail_once(n, fault);
    }
}

async fn serve_connection(stream: TcpStream, shared: Shared) {
    let service = service_fn(move |request| respond(shared.clone(), request));
    // A client that closes the connection and a fault that does so both end here.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
