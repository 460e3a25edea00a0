//! Whether a location holds syncs of another tenant at the same address. Large providers serve many tenants at one address, and have
//! no id of a tenant. The client id stands for it, and where that changed, the users tell.

use crate::location::LocationConflict;
use crate::model::{AccessBatch, Provenance, ResourceTrait, SyncOrigin, UserSample};
use crate::query;

use super::error::SyncError;

/// Adds the users of a batch to the sample.
pub(super) fn sample_users(sample: &mut UserSample, batch: &AccessBatch) {
    let AccessBatch::Resources(rows) = batch else {
        return;
    };
    for row in rows {
        let Some(id) = row.id.id.as_number() else { continue };
        if !matches!(row.resource_trait, ResourceTrait::User(_)) || !sample.accepts(id) {
            continue;
        }
        let identities = [query::email(row), query::login(row)].into_iter().flatten();
        if let Some(identity) = identities.into_iter().find(|text| !text.trim().is_empty()) {
            sample.add(id, identity);
        }
    }
}

/// Checks all locations before anything in them is replaced.
///
/// # Errors
/// [`SyncError::Location`] for the first location with syncs of another tenant.
pub(super) fn check(existing: &[(String, SyncOrigin)], provenance: &Provenance) -> Result<(), SyncError> {
    for (sink, origin) in existing {
        check_one(origin, provenance).map_err(|conflict| SyncError::Location {
            sink: sink.clone(),
            conflict,
        })?;
    }
    Ok(())
}

fn check_one(existing: &SyncOrigin, provenance: &Provenance) -> Result<(), LocationConflict> {
    let (Some(known), Some(client)) = (&existing.client_id, &provenance.client_id) else {
        return Ok(());
    };
    // Older versions recorded no users.
    if known == client || existing.users.is_empty() {
        return Ok(());
    }
    let (known, client) = (known.clone(), client.clone());
    let users = &provenance.user_sample;
    if users.is_empty() {
        return Err(LocationConflict::UnknownTenant { known, client });
    }
    let compared = users.len().min(existing.users.len());
    let same = users.common(&existing.users);
    if same * 2 >= compared {
        return Ok(());
    }
    Err(LocationConflict::OtherUsers {
        known,
        client,
        same,
        compared,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(count: u64, domain: &str) -> UserSample {
        let mut sample = UserSample::default();
        for id in 1..=count {
            sample.add(id, &format!("user{id}@{domain}"));
        }
        sample
    }

    fn result(known: Option<&str>, before: UserSample, client: Option<&str>, now: UserSample) -> String {
        let existing = SyncOrigin {
            client_id: known.map(str::to_owned),
            users: before,
            ..SyncOrigin::default()
        };
        let provenance = Provenance {
            client_id: client.map(str::to_owned),
            user_sample: now,
            ..Provenance::default()
        };
        match check_one(&existing, &provenance) {
            Ok(()) => "accepted".to_owned(),
            Err(conflict) => conflict.to_string(),
        }
    }

    #[test]
    fn another_client_must_read_the_same_users() {
        let [a, b] = ["a.example", "b.example"].map(|domain| users(10, domain));
        let mut half = users(5, "a.example");
        for id in 6..=10 {
            half.add(id, "moved@b.example");
        }
        for (known, client, now, expected) in [
            (Some("one"), Some("one"), &b, "accepted"),
            (Some("one"), Some("two"), &a, "accepted"),
            (Some("one"), Some("two"), &half, "accepted"),
            (None, Some("two"), &b, "accepted"),
            (Some("one"), None, &b, "accepted"),
        ] {
            assert_eq!(result(known, a.clone(), client, now.clone()), expected);
        }
        assert_eq!(
            result(Some("one"), UserSample::default(), Some("two"), b.clone()),
            "accepted"
        );
        insta::assert_snapshot!(result(Some("one"), a.clone(), Some("two"), b), @"it holds syncs of another tenant at this address: 0 of the 10 users that were compared are the same people, and the client id changed from one to two");
        insta::assert_snapshot!(result(Some("one"), a, Some("two"), UserSample::default()), @"the client id changed from one to two, and this sync reads no users that would show whether it is the same tenant");
    }
}
