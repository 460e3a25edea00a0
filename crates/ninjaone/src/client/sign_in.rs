//! Signing in: OAuth2 client credentials, at the configured address and nowhere else (NinjaOne facts §2).

use std::time::Instant;

use reqwest::header::ACCEPT;
use reqwest::{Response, StatusCode as Http};

use super::body::whole;
use super::fault::quote;
use super::http::{Setback, accept, redirected};
use super::retry::Patience;
use super::span::traced;
use super::token::{Token, TokenAnswer};
use super::{ApiFault, NinjaOneClient, NinjaOneError};

/// The longest answer with a token.
const LONGEST_TOKEN: usize = 1 << 20;

impl NinjaOneClient {
    /// The current token, or a new one if there is none, it is about to end, or it is the one that was refused.
    pub(super) async fn token(&self, refused: Option<&Token>) -> Result<Token, NinjaOneError> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref() {
            let refused = refused.is_some_and(|refused| refused.secret == token.secret);
            if token.is_fresh(Instant::now()) && !refused {
                return Ok(token.clone());
            }
        }
        let token = self.sign_in().await?;
        tracing::debug!(scope = token.scope.as_deref().unwrap_or("not told"), "signed in");
        *held = Some(token.clone());
        Ok(token)
    }

    async fn sign_in(&self) -> Result<Token, NinjaOneError> {
        let url = self.config().base_url.endpoint(&self.config().token_path);
        let request = format!("POST {url}");
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.config().client_id.as_str()),
            ("client_secret", self.config().client_secret.expose()),
        ];
        form.extend(self.config().scope.as_deref().map(|scope| ("scope", scope)));
        let mut patience = Patience::new(self.config().retry);
        loop {
            self.count_call();
            let sent = self
                .http()
                .post(url.clone())
                .header(ACCEPT, "application/json")
                .form(&form);
            let sent = traced("POST", &url, sent.send()).await;
            let setback = match sent {
                Ok(response) if response.status().is_redirection() => {
                    // The secret goes to no address but the configured one.
                    return Err(redirected(request, &response));
                }
                Ok(response) => match accept(response).await {
                    Ok(response) => match self.token_of(&request, response, &patience).await {
                        Err(failure @ (NinjaOneError::BrokenOff { .. } | NinjaOneError::Network { .. })) => {
                            self.pause(&mut patience, None, failure).await?;
                            continue;
                        }
                        done => return done,
                    },
                    Err(setback) => setback,
                },
                Err(error) => Setback::Network(error),
            };
            match setback {
                Setback::Answer {
                    status,
                    fault,
                    throttled: false,
                    ..
                } if status.is_client_error() => {
                    return Err(self.sign_in_refused(request, status, fault));
                }
                setback => self.handle(&mut patience, setback, request.clone(), None).await?,
            }
        }
    }

    /// What an answer to a sign-in comes to.
    #[cfg(any(test, fuzzing))]
    pub(crate) async fn token_from(&self, response: Response) -> Result<Token, NinjaOneError> {
        let mut patience = Patience::new(self.config().retry);
        let request = "POST /".to_owned();
        match accept(response).await {
            Ok(response) => self.token_of(&request, response, &patience).await,
            Err(setback) => {
                let handled = self.handle(&mut patience, setback, request.clone(), None).await;
                Err(handled.err().unwrap_or(NinjaOneError::Stopped))
            }
        }
    }

    async fn token_of(
        &self,
        request: &str,
        response: Response,
        patience: &Patience,
    ) -> Result<Token, NinjaOneError> {
        let body = whole(response, LONGEST_TOKEN, self.longest_trickle()).await;
        // The body may hold a token, so it is never quoted.
        let no_token = || NinjaOneError::Malformed {
            request: request.to_owned(),
            reason: "there is no access_token in it".to_owned(),
        };
        let answer: TokenAnswer = match self.parsed(body, request, patience) {
            Err(NinjaOneError::Malformed { .. }) => return Err(no_token()),
            parsed => parsed?,
        };
        Token::new(answer, Instant::now()).ok_or_else(no_token)
    }

    fn sign_in_refused(&self, request: String, status: Http, fault: Box<ApiFault>) -> NinjaOneError {
        if fault.is("Client app not exist") {
            return NinjaOneError::UnknownClient { request, fault };
        }
        if fault.is("invalid_scope") {
            let scope = self.config().scope.clone().unwrap_or_default();
            return NinjaOneError::ScopeNotGranted {
                request,
                scope: quote(&scope),
                fault,
            };
        }
        NinjaOneError::SignInRefused {
            request,
            status: status.as_u16(),
            fault,
        }
    }
}
