//! The REST client: sign-in, requests with retries, streamed lists.

mod array;
mod base_url;
mod body;
mod config;
mod data_redactor;
mod error;
pub(crate) mod fault;
mod http;
mod pace;
mod remark;
mod resolver;
mod retry;
mod scan;
mod secret;
mod sign_in;
mod span;
mod tls;
mod token;
mod write;

#[cfg(any(test, fuzzing))]
pub(crate) use array::ListRead;
pub(crate) use array::{First, ListEnd, TakeElement, grouped};
pub use base_url::{BaseUrl, BaseUrlError};
#[cfg(any(test, fuzzing))]
pub(crate) use body::Answer;
pub use config::{ClientConfig, DEFAULT_TOKEN_PATH, RetryBudget, Writes};
#[cfg(any(test, fuzzing))]
pub(crate) use data_redactor::DataRedactor;
pub use error::{NinjaOneError, TlsFault};
pub use fault::ApiFault;
pub use http::NinjaOneClient;
pub(crate) use remark::Remark;
#[cfg(any(test, fuzzing))]
pub(crate) use scan::RepairLog;
pub use secret::Secret;
pub(crate) use write::{WriteFailure, WriteRequest};
