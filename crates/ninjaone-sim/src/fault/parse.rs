//! Faults as text, for the command line: `[METHOD] PATH [WHEN] KIND [VALUE]`.

use std::str::FromStr;
use std::time::Duration;

use sim_kit::When;

use super::Cut;
use super::Fault;
use super::FaultRule;
use super::Reshape;
use crate::error::SimError;

impl FromStr for FaultRule {
    type Err = SimError;

    /// Reads e.g. `GET /v2/users first:2 status 503`, `/v2/user/roles cut 3/8`, `/v2/* percent:20 rate-limit 1`.
    fn from_str(spec: &str) -> Result<Self, SimError> {
        let refuse = |reason: String| SimError::FaultSpec {
            spec: spec.to_owned(),
            reason,
        };
        let mut words = spec.split_whitespace().peekable();
        let is_method = |word: &&str| word.bytes().all(|byte| byte.is_ascii_uppercase());
        let method = words.next_if(is_method).map(str::to_owned);
        let path = words.next().filter(|word| word.starts_with('/'));
        let path = path
            .ok_or_else(|| refuse("there is no path that begins with /".to_owned()))?
            .to_owned();
        let when = match words.next_if(|word| word.contains(':')) {
            Some(word) => when(word).ok_or_else(|| refuse(format!("{word:?} is no time")))?,
            None => When::Always,
        };
        let kind = words
            .next()
            .ok_or_else(|| refuse("nothing is said to go wrong".to_owned()))?;
        let value = words.next();
        let fault = fault(kind, value).ok_or_else(|| {
            refuse(format!(
                "{kind:?} with {} is no fault",
                value.unwrap_or("nothing")
            ))
        })?;
        match words.next() {
            Some(word) => Err(refuse(format!("{word:?} is too much"))),
            None => Ok(Self {
                method,
                path,
                when,
                fault,
            }),
        }
    }
}

fn when(word: &str) -> Option<When> {
    let (name, number) = word.split_once(':')?;
    let number = number.parse().ok()?;
    Some(match name {
        "first" => When::First(number),
        "call" => When::Nth(number),
        "after" => When::After(number),
        "percent" => When::Percent {
            percent: number,
            seed: 1,
        },
        _ => return None,
    })
}

fn fault(kind: &str, value: Option<&str>) -> Option<Fault> {
    let number = || value?.parse::<u16>().ok();
    let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
    Some(match (kind, value) {
        ("status", Some(_)) => Fault::Status(number()?),
        ("html", Some(_)) => Fault::Html(number()?),
        ("empty", Some(_)) => Fault::Empty(number()?),
        ("lost-write", Some(_)) => Fault::LostWrite(number()?),
        ("rate-limit", requested) => Fault::RateLimit(requested.map(str::to_owned)),
        ("cut" | "short", Some(at)) => Fault::CutBody {
            at: cut(at)?,
            clean: kind == "short",
        },
        ("slow", Some(pause)) => Fault::SlowBody {
            first: millis(pause)?,
            pause: millis(pause)?,
            piece: 256,
        },
        ("huge-name", Some(bytes)) => Fault::HugeName(bytes.parse().ok()?),
        ("redirect", Some(to)) => Fault::Redirect(to.to_owned()),
        ("drop", None) => Fault::Drop,
        ("plain-text", None) => Fault::ContentType("text/plain"),
        ("bom", None) => Fault::Bom,
        ("invalid-utf8", None) => Fault::InvalidUtf8,
        ("revoke-tokens", None) => Fault::RevokeTokens,
        ("missing-scope", None) => Fault::MissingScope,
        ("missing-endpoint", None) => Fault::MissingEndpoint,
        ("empty-list", None) => Fault::EmptyList,
        ("duplicates", None) => Fault::Reshape(Reshape::Doubled),
        ("reversed", None) => Fault::Reshape(Reshape::Reversed),
        ("shared-ids", None) => Fault::Reshape(Reshape::SharedIds),
        ("wrapped", None) => Fault::Reshape(Reshape::Wrapped("data")),
        ("nested", Some(depth)) => Fault::Reshape(Reshape::Nested(depth.parse().ok()?)),
        ("move-on", None) => Fault::ChangeTenant,
        ("no-progress", None) => Fault::NoProgress,
        _ => return None,
    })
}

fn cut(at: &str) -> Option<Cut> {
    match at.strip_suffix("/8") {
        Some(eighths) => eighths.parse().ok().map(Cut::Eighths),
        None => at.parse().ok().map(Cut::Bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_are_parsed_and_errors_named() {
        let read = |spec: &str| match spec.parse::<FaultRule>() {
            Ok(rule) => format!("{rule:?}"),
            Err(error) => error.to_string(),
        };
        let specs = [
            "GET /v2/users first:2 status 503",
            "/v2/user/roles cut 3/8",
            "/v2/* percent:20 rate-limit 1",
            "/v2/users drop",
            "v2/users drop",
            "/v2/users",
            "/v2/users sometimes:3 drop",
            "/v2/users explode",
            "/v2/users drop now",
        ];
        insta::assert_snapshot!(specs.map(read).join("\n"));
    }
}
