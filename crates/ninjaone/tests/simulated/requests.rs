//! Redirects and tokens: which requests are sent, and how often.

use ninjaone::WritePolicy;
use ninjaone_sim::{ExpiresIn, Fault, When};

use crate::tenant::TestTenant;

const LIST: &str = "/v2/organizations";

/// The results of requests of one client, and the number of all its calls.
fn ping<const N: usize>(test_tenant: &TestTenant) -> ([Result<(), String>; N], u64) {
    let client = test_tenant.client(WritePolicy::Disabled);
    let results = std::array::from_fn(|_| {
        let result = test_tenant.block_on(client.ping());
        result.map_err(|error| test_tenant.without_address(&error.to_string()))
    });
    (results, client.usage().calls)
}

#[test]
fn three_redirects_within_the_instance_are_followed() {
    let redirected = |times, to: &str| {
        ping(&TestTenant::with_fault(
            LIST,
            When::First(times),
            Fault::Redirect(to.to_owned()),
        ))
    };
    assert_eq!(redirected(3, LIST), ([Ok(())], 5), "a sign-in and four requests");
    let refused = |to| {
        let error = format!("GET <tenant>{LIST}: redirected to {to}, which is not followed");
        [Err(error)]
    };
    assert_eq!(redirected(4, LIST), (refused(LIST), 5));
    let (other, calls) = redirected(1, "https://example.com/");
    assert_eq!(
        other,
        [Err(format!(
            "GET <tenant>{LIST}?pageSize=1000: redirected to https://example.com/, which is not followed"
        ))]
    );
    assert_eq!(calls, 2, "a token is not sent to another host");
}

#[test]
fn token_is_kept_until_it_is_revoked_or_expires() {
    assert_eq!(ping(&TestTenant::healthy()), ([Ok(()), Ok(())], 3));
    let revoked = TestTenant::with_fault(LIST, When::First(1), Fault::RevokeTokens);
    assert_eq!(
        ping(&revoked),
        ([Ok(()), Ok(())], 5),
        "a second sign-in and request"
    );
    let expired = TestTenant::with_behavior(|behavior| behavior.token.expires_in = ExpiresIn::Claimed(0));
    assert_eq!(
        ping(&expired),
        ([Ok(()), Ok(())], 4),
        "a sign-in for each request"
    );
}

/// A server that refuses every token does not get a sign-in for each of its refusals.
#[test]
fn new_token_is_requested_once() {
    let test_tenant = TestTenant::with_fault(LIST, When::Always, Fault::RevokeTokens);
    let ([result], calls) = ping(&test_tenant);
    assert!(result.unwrap_err().contains(": 401: "));
    assert_eq!(calls, 4, "two sign-ins and two requests");
}
