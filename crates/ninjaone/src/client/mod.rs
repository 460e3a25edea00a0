//! The REST client: sign-in, requests with retries, streamed lists.

mod array;
mod base_url;
mod body;
mod config;
mod error;
pub(crate) mod fault;
mod http;
mod retry;
mod secret;
mod sign_in;
mod span;
mod tls;
mod token;
mod write;

pub(crate) use array::{First, ListEnd, MOST_ELEMENTS, TakeElement};
pub use base_url::{BaseUrl, BaseUrlError};
pub use config::{ClientConfig, DEFAULT_TOKEN_PATH, RetryBudget, Writes};
pub use error::NinjaOneError;
pub use fault::ApiFault;
pub use http::NinjaOneClient;
pub use secret::Secret;
pub(crate) use write::{WriteFailure, WriteRequest};
