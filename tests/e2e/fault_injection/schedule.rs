//! Planned faults: endpoint, fault and call, with the allowed results.

use std::time::Duration;

use ninjaone_sim::{Cut, Fault, FaultRule, Reshape, When};

use super::broken_http;
use super::model::{DEVICES, END_USERS, ORGANIZATIONS, ROLES, TECHNICIANS, USERS};
use super::sweep::Picks;

/// The requests of a sync, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    Token,
    Organizations,
    Technicians,
    EndUsers,
    Users,
    Roles,
    Devices,
}

impl Endpoint {
    pub(crate) const ALL: [Self; 7] = [
        Self::Token,
        Self::Organizations,
        Self::Technicians,
        Self::EndUsers,
        Self::Users,
        Self::Roles,
        Self::Devices,
    ];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Token => ninjaone::DEFAULT_TOKEN_PATH,
            Self::Organizations => ORGANIZATIONS,
            Self::Technicians => TECHNICIANS,
            Self::EndUsers => END_USERS,
            Self::Users => USERS,
            Self::Roles => ROLES,
            Self::Devices => DEVICES,
        }
    }

    fn paged(self) -> bool {
        matches!(self, Self::Organizations | Self::Devices)
    }

    /// The calls that a fault can hit.
    fn positions(self) -> &'static [When] {
        if self.paged() {
            &[
                When::First(1),
                When::Always,
                When::Nth(2),
                When::Nth(3),
                When::After(1),
            ]
        } else {
            &[When::First(1), When::Always]
        }
    }
}

/// The nature of a fault for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Retryable. If it persists, the run fails with one of these classes.
    Passes(&'static [u8]),
    /// It is not.
    Final(&'static [u8]),
    /// It is an answer like any other: the model reads it.
    Answer,
}

/// The expected result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// The result of the model for the tenant's answers.
    Model,
    /// Nothing is published, and the run fails with one of these classes.
    Fails(&'static [u8]),
    /// Everything but the devices is there.
    Degrades,
    /// At least the model's rows: a list was cut and read again from a tenant that had changed.
    AtLeast,
}

/// A fault with a name.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) fault: Fault,
    pub(crate) nature: Nature,
    /// Only lists can have it.
    lists_only: bool,
}

/// A planned fault and its expected result.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) rules: Vec<FaultRule>,
    pub(crate) expect: Expect,
    /// The run has to wait for silence.
    pub(crate) silent: bool,
}

fn kind(name: &str, fault: Fault, nature: Nature) -> Kind {
    Kind {
        name: name.to_owned(),
        fault,
        nature,
        lists_only: matches!(fault_shape(nature), Shape::Answer),
    }
}

enum Shape {
    Answer,
    Other,
}

fn fault_shape(nature: Nature) -> Shape {
    match nature {
        Nature::Answer => Shape::Answer,
        _ => Shape::Other,
    }
}

/// Everything that can go wrong with a call.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = statuses();
    kinds.extend(refusals());
    kinds.extend(answers());
    kinds.extend(
        broken_http::kinds()
            .into_iter()
            .map(|(name, bytes)| kind(name, Fault::Raw(bytes), Nature::Passes(&[14]))),
    );
    kinds
}

fn statuses() -> Vec<Kind> {
    let status = |status: u16, nature| kind(&format!("status {status}"), Fault::Status(status), nature);
    let html = |status: u16, nature| kind(&format!("page {status}"), Fault::Html(status), nature);
    let empty = |status: u16, nature| kind(&format!("empty {status}"), Fault::Empty(status), nature);
    let mut kinds = vec![
        status(401, Nature::Passes(&[16])),
        status(403, Nature::Final(&[7])),
        status(404, Nature::Final(&[5])),
        status(409, Nature::Final(&[6])),
        status(501, Nature::Final(&[12])),
        html(404, Nature::Final(&[5])),
        empty(400, Nature::Final(&[3])),
    ];
    kinds.extend([400, 405, 410, 418, 422, 451].map(|code| status(code, Nature::Final(&[3]))));
    kinds.extend(
        [408, 425, 429, 500, 502, 503, 504, 520, 599].map(|code| status(code, Nature::Passes(&[14]))),
    );
    kinds.extend([200, 403, 500, 503].map(|code| html(code, Nature::Passes(&[14]))));
    kinds.extend([200, 500].map(|code| empty(code, Nature::Passes(&[14]))));
    // A server that repeats it has an empty list.
    kinds.push(empty(204, Nature::Answer));
    let words = |name: &str, status: u16, content_type, body: &str, nature| {
        let body = body.as_bytes().to_vec();
        let fault = Fault::Answer {
            status,
            content_type,
            body,
        };
        kind(name, fault, nature)
    };
    let json = "application/json";
    kinds.extend([
        words(
            "failure 200",
            200,
            json,
            r#"{"resultCode":"FAILURE","errorMessage":"NullPointerException","incidentId":"X-200"}"#,
            Nature::Passes(&[14]),
        ),
        words(
            "text 200",
            200,
            json,
            "Request limit exceeded",
            Nature::Passes(&[14]),
        ),
        words(
            "page as JSON",
            200,
            json,
            "<html><TITLE>Wait</TITLE></html>",
            Nature::Passes(&[14]),
        ),
        words(
            "other text 200",
            200,
            "text/plain",
            "users: none",
            Nature::Passes(&[15]),
        ),
        words(
            "throttled 403",
            403,
            json,
            r#"{"message":"Too Many Requests"}"#,
            Nature::Passes(&[14]),
        ),
        words(
            "denied 500",
            500,
            json,
            r#"{"resultCode":"permission_denied","errorMessage":"permission_denied","incidentId":"X"}"#,
            Nature::Final(&[7]),
        ),
        words("null", 200, json, "null", Nature::Answer),
    ]);
    kinds.extend([300, 304].map(|code| empty(code, Nature::Passes(&[9]))));
    for code in [201, 202, 206, 299] {
        let part = Fault::Answer {
            status: code,
            content_type: "application/json",
            body: br#"[{"id":7}]"#.to_vec(),
        };
        kinds.push(kind(&format!("answer {code}"), part, Nature::Final(&[15])));
    }
    kinds
}

fn refusals() -> Vec<Kind> {
    let wait = |retry_after: Option<&str>, nature| {
        let fault = Fault::RateLimit(retry_after.map(str::to_owned));
        kind(
            &format!("429 retry-after {}", retry_after.unwrap_or("absent")),
            fault,
            nature,
        )
    };
    let (passes, lasts) = (Nature::Passes(&[14]), Nature::Final(&[14]));
    let mut kinds: Vec<Kind> = [
        "0",
        "-1",
        "soon",
        "",
        "0x10",
        "Tue, 24 Nov 2020 12:00:00 GMT",
        "Tue, 99 Nov 2020 12:00:00 GMT",
    ]
    .map(|retry_after| wait(Some(retry_after), passes))
    .to_vec();
    kinds.extend(
        [
            "3600",
            "3600.5",
            "18446744073709551615",
            "99999999999999999999999999",
            "Fri, 31 Dec 9998 23:59:59 GMT",
            "Friday, 31-Dec-60 23:59:59 GMT",
            "Fri Dec 31 23:59:59 2060",
        ]
        .map(|retry_after| wait(Some(retry_after), lasts)),
    );
    kinds.push(wait(None, passes));
    kinds.extend([
        kind("dropped", Fault::Drop, passes),
        kind("tokens revoked", Fault::RevokeTokens, Nature::Passes(&[16])),
        kind("scope missing", Fault::MissingScope, Nature::Final(&[7])),
        kind("endpoint missing", Fault::MissingEndpoint, Nature::Final(&[5])),
        kind(
            "redirected elsewhere",
            Fault::Redirect("https://elsewhere.example/".to_owned()),
            Nature::Final(&[9]),
        ),
        kind(
            "redirected to nowhere",
            Fault::Redirect("http://[".to_owned()),
            Nature::Final(&[9]),
        ),
        kind(
            "redirected to a scheme",
            Fault::Redirect("file:///etc/passwd".to_owned()),
            Nature::Final(&[9]),
        ),
    ]);
    for eighths in 0..8 {
        for clean in [false, true] {
            let at = Cut::Eighths(eighths);
            let ending = if clean { "ended" } else { "cut" };
            kinds.push(kind(
                &format!("{ending} at {eighths}/8"),
                Fault::CutBody { at, clean },
                passes,
            ));
        }
    }
    let silence = Fault::SlowBody {
        first: Duration::from_mins(10),
        pause: Duration::ZERO,
        piece: 1,
    };
    kinds.push(kind("silent", silence, Nature::Passes(&[4])));
    kinds
}

fn answers() -> Vec<Kind> {
    let answer = |name: &str, fault| kind(name, fault, Nature::Answer);
    let shaped = |name: &str, reshape| kind(name, Fault::Reshape(reshape), Nature::Answer);
    let everywhere = |kind: Kind| Kind {
        lists_only: false,
        ..kind
    };
    let slow = |first, pause, piece| Fault::SlowBody {
        first: Duration::from_millis(first),
        pause: Duration::from_micros(pause),
        piece,
    };
    let header = |name, value: &str| Fault::Header(name, value.to_owned());
    let long = "x".repeat(60_000);
    let mut kinds = vec![
        answer("empty list", Fault::EmptyList),
        answer("tenant moves on", Fault::ChangeTenant),
        answer("name of a megabyte", Fault::HugeName(1 << 20)),
        shaped("reversed", Reshape::Reversed),
        shaped("ids reused", Reshape::SharedIds),
        shaped("doubled", Reshape::Doubled),
        shaped("wrapped", Reshape::Wrapped("data")),
        shaped("nested once", Reshape::Nested(1)),
        shaped("nested thrice", Reshape::Nested(3)),
        shaped("nested deep", Reshape::Nested(120)),
        kind("text of 17 MiB", Fault::HugeName(17 << 20), Nature::Final(&[15])),
        answer("not UTF-8", Fault::InvalidUtf8),
        kind(
            "as a page",
            Fault::ContentType("text/html; charset=utf-8"),
            Nature::Passes(&[14]),
        ),
        kind(
            "said to be gzip",
            header("content-encoding", "gzip"),
            Nature::Passes(&[14]),
        ),
    ];
    kinds.extend(
        [
            answer("byte order mark", Fault::Bom),
            answer("late and in drops", slow(20, 50, 512)),
            answer("as plain text", Fault::ContentType("text/plain")),
            answer("as bytes", Fault::ContentType("application/octet-stream")),
            answer(
                "in UTF-16",
                Fault::ContentType("application/json; charset=utf-16"),
            ),
            answer("said to be brotli", header("content-encoding", "br")),
            answer(
                "with a next page",
                header("link", "<https://elsewhere.example/2>; rel=\"next\""),
            ),
            answer("with a long header", header("x-nj-request-id", &long)),
            answer("with a wish to wait", header("retry-after", "3600")),
        ]
        .map(everywhere),
    );
    kinds
}

impl Kind {
    /// Whether the fault can occur there.
    fn fits(&self, endpoint: Endpoint, when: When) -> bool {
        let moves = self.fault == Fault::ChangeTenant && when != When::First(1);
        // The third page has one row or none: there is nothing in it to be put in another order.
        let shows = !matches!(self.fault, Fault::Reshape(_)) || when != When::Nth(3);
        // Without a name the bytes precede the JSON, like a server's own message.
        let nameless = matches!(endpoint, Endpoint::Token | Endpoint::Devices);
        let named = !matches!(self.fault, Fault::HugeName(_)) || !nameless;
        (endpoint != Endpoint::Token || !self.lists_only) && !moves && shows && named
    }

    fn expect(&self, endpoint: Endpoint, when: When) -> Expect {
        let lasting = matches!(when, When::Always | When::After(_));
        match (self.nature_at(endpoint), lasting) {
            (Nature::Answer, _) | (Nature::Passes(_), false) => Expect::Model,
            (Nature::Passes(_) | Nature::Final(_), _) if endpoint == Endpoint::Devices => Expect::Degrades,
            (Nature::Passes(classes) | Nature::Final(classes), _) => Expect::Fails(classes),
        }
    }

    /// A refusal at sign-in is a refused sign-in; an instance without the technicians' list is an older one.
    fn nature_at(&self, endpoint: Endpoint) -> Nature {
        let refused = match &self.fault {
            Fault::Status(status) | Fault::Html(status) | Fault::Empty(status) => {
                (400..500).contains(status)
                    && !matches!(status, 408 | 425 | 429)
                    && self.fault != Fault::Html(403)
            }
            Fault::RevokeTokens | Fault::MissingScope | Fault::MissingEndpoint => true,
            _ => false,
        };
        let missing = matches!(
            self.fault,
            Fault::Status(404) | Fault::Html(404) | Fault::MissingEndpoint
        );
        match endpoint {
            Endpoint::Token if refused || self.name == "failure 200" => Nature::Final(&[16]),
            Endpoint::Token if matches!(self.fault, Fault::Empty(300 | 304)) => Nature::Final(&[9]),
            Endpoint::Technicians | Endpoint::EndUsers | Endpoint::Roles if missing => {
                // An HTML page comes from a proxy; only the instance's own answer means that it lacks the list.
                Nature::Final(if self.fault == Fault::Html(404) {
                    &[15]
                } else {
                    &[5]
                })
            }
            _ => self.nature,
        }
    }

    /// Nothing that a run could fail for.
    fn escape_control_chars(&self) -> bool {
        !matches!(
            self.fault,
            Fault::EmptyList | Fault::Empty(204) | Fault::Reshape(Reshape::Wrapped(_) | Reshape::Nested(_))
        ) && self.name != "null"
            && !matches!(self.fault, Fault::SlowBody { first, .. } if first > Duration::from_secs(1))
            && !matches!(self.nature, Nature::Final(_))
    }

    fn rule(&self, endpoint: Endpoint, when: When) -> FaultRule {
        FaultRule {
            method: None,
            path: endpoint.path().to_owned(),
            when,
            fault: self.fault.clone(),
        }
    }

    fn plan(&self, endpoint: Endpoint, when: When) -> Planned {
        Planned {
            name: format!("{endpoint:?}: {} at {when:?}", self.name),
            rules: vec![self.rule(endpoint, when)],
            expect: self.expect(endpoint, when),
            silent: self.name == "silent",
        }
    }
}

/// Every endpoint × every kind × every position; without `MISBEHAVE=all` one position each.
pub(crate) fn single(picks: &mut Picks) -> Vec<Planned> {
    let mut plans = Vec::new();
    for kind in kinds() {
        for endpoint in Endpoint::ALL {
            let fit: Vec<When> = endpoint
                .positions()
                .iter()
                .copied()
                .filter(|when| kind.fits(endpoint, *when))
                .collect();
            if !fit.is_empty() {
                plans.extend(picks.of(&fit).into_iter().map(|when| kind.plan(endpoint, when)));
            }
        }
    }
    plans
}

/// Pages that come again, and lists that break off while the tenant changes.
pub(crate) fn of_pages_and_time() -> Vec<Planned> {
    let mut plans = Vec::new();
    for endpoint in [Endpoint::Organizations, Endpoint::Devices] {
        for when in [When::Nth(2), When::Nth(3), When::After(1), When::Always] {
            // After two pages of equal length the server's limit is known, and such a page is not the last.
            let nature = match when {
                When::Nth(3) => Nature::Final(&[15]),
                _ if endpoint == Endpoint::Devices => Nature::Final(&[15]),
                _ => Nature::Answer,
            };
            let again = kind("page again", Fault::NoProgress, nature);
            plans.push(again.plan(endpoint, when));
        }
    }
    for endpoint in Endpoint::ALL.into_iter().skip(1) {
        for eighths in [1, 4, 7] {
            let cut = Fault::CutBody {
                at: Cut::Eighths(eighths),
                clean: true,
            };
            let cut = kind("cut", cut, Nature::Passes(&[14])).rule(endpoint, When::First(1));
            let moved = kind("moved", Fault::ChangeTenant, Nature::Answer).rule(endpoint, When::Nth(2));
            plans.push(Planned {
                name: format!("{endpoint:?}: cut at {eighths}/8, then another one"),
                rules: vec![cut, moved],
                expect: Expect::AtLeast,
                silent: false,
            });
        }
    }
    plans
}

/// Answers that alternate between errors and cut bodies, which share one retry budget; and answers that never end.
pub(crate) fn of_patience() -> Vec<Planned> {
    let broken_off = Fault::CutBody {
        at: Cut::Eighths(4),
        clean: true,
    };
    let turns = [
        Fault::Status(503),
        broken_off.clone(),
        Fault::Status(503),
        broken_off,
    ];
    let mut plans = Vec::new();
    for endpoint in Endpoint::ALL {
        let rules = turns.iter().zip(1..).map(|(fault, call)| FaultRule {
            method: None,
            path: endpoint.path().to_owned(),
            when: When::Nth(call),
            fault: fault.clone(),
        });
        let by_turns = kind("by turns", Fault::Drop, Nature::Passes(&[14]));
        plans.push(Planned {
            name: format!("{endpoint:?}: fails and breaks off by turns"),
            rules: rules.collect(),
            expect: by_turns.expect(endpoint, When::Always),
            silent: false,
        });
        let trickle = Fault::SlowBody {
            first: Duration::ZERO,
            pause: Duration::from_millis(100),
            piece: 1,
        };
        let trickles = kind("trickles for ever", trickle, Nature::Final(&[4]));
        plans.push(Planned {
            silent: true,
            ..trickles.plan(endpoint, When::First(1))
        });
    }
    plans
}

/// One to four faults at once: all of them pass or do no harm, but the last one may be any.
pub(crate) fn random(picks: &mut Picks, number: usize) -> Planned {
    let kinds = kinds();
    let mut endpoints = Endpoint::ALL.to_vec();
    while endpoints.len() > 1 + number % 4 {
        endpoints.remove(picks.below(endpoints.len()));
    }
    let last = endpoints.len() - 1;
    let mut plan = Planned {
        name: String::new(),
        rules: Vec::new(),
        expect: Expect::Model,
        silent: false,
    };
    for (position, endpoint) in endpoints.into_iter().enumerate() {
        let when = When::First(1);
        let fitting: Vec<&Kind> = kinds
            .iter()
            .filter(|kind| kind.fits(endpoint, when) && kind.name != "silent")
            .filter(|kind| {
                let passes = kind.expect(endpoint, when) == Expect::Model;
                position == last
                    || (passes && kind.escape_control_chars() && kind.nature_at(endpoint) == kind.nature)
            })
            .collect();
        let kind = *picks.one(&fitting);
        let when = if position == last {
            *picks.one(&[When::First(1), When::Always])
        } else {
            when
        };
        let when = if kind.fits(endpoint, when) {
            when
        } else {
            When::First(1)
        };
        let one = kind.plan(endpoint, when);
        plan.name = format!(
            "{}{}{}",
            plan.name,
            if position > 0 { ", " } else { "" },
            one.name
        );
        plan.rules.extend(one.rules);
        plan.expect = one.expect;
    }
    plan
}
