//! The REST client: sign-in, requests with retries, streamed lists.

pub(crate) mod api_error;
mod base_url;
mod body_reader;
mod config;
mod error;
mod http;
mod json_scanner;
mod json_stream;
mod oauth;
mod pace;
mod read;
mod remark;
mod response;
mod retry;
mod retry_decision;
mod secret;
#[cfg(test)]
mod tests;
mod trace;
mod write;

pub use api_error::ApiError;
pub use base_url::{BaseUrl, BaseUrlError};
#[cfg(any(test, fuzzing))]
pub(crate) use body_reader::Answer;
pub(crate) use config::PAGE_ROWS;
pub use config::{ClientConfig, DEFAULT_TOKEN_PATH, RetryBudget, WritePolicy};
pub use error::{NinjaOneError, TlsFault};
pub use http::NinjaOneClient;
#[cfg(any(test, fuzzing))]
pub(crate) use json_scanner::RepairLog;
pub(crate) use json_stream::FirstElement;
pub(crate) use json_stream::ListConsumer;
pub(crate) use json_stream::ListEnd;
#[cfg(any(test, fuzzing))]
pub(crate) use json_stream::ListRead;
pub(crate) use json_stream::format_thousands;
pub use pace::Pace;
pub(crate) use remark::Remark;
pub use secret::Secret;
pub(crate) use write::{WriteError, WriteRequest};
