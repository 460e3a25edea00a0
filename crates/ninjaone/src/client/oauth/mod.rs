//! Signing in with OAuth2 client credentials.

mod sign_in;
mod token;

pub(super) use token::Token;
