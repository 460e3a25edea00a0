//! The members of a role.

use access_core::model::{MAX_SOURCE_TEXT_BYTES, clip_source_text};

use super::Stated;

/// The members of a role as ids, so that a role of all users costs little memory, and their labels up to a bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) ids: Vec<u64>,
    /// Members without an id.
    pub(crate) without_id: Vec<NamelessMember>,
    /// Elements that are not objects, and members with an unreadable id.
    pub(crate) unreadable: Vec<NamelessMember>,
    pub(super) labels: MemberLabels,
}

/// The label of a member without a usable id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NamelessMember(pub(crate) Option<Box<str>>);

/// The labels of members in one text, up to [`MAX_MEMBER_LABEL_BYTES`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MemberLabels {
    pub(super) text: String,
    /// The id of each member, and the end of its label in `text`.
    pub(super) ends: Vec<(u64, usize)>,
}

/// Maximum bytes of labels of one role's members. They are needed for members that no list of users contains.
pub(super) const MAX_MEMBER_LABEL_BYTES: usize = 8 << 20;

impl Members {
    /// Whether there may be members besides the ids.
    pub(crate) fn is_incomplete(&self) -> bool {
        !self.without_id.is_empty() || !self.unreadable.is_empty()
    }

    /// Bytes of the lists in memory, which the number of names does not change much.
    pub(crate) fn bytes(&self) -> usize {
        let nameless = self.without_id.capacity() + self.unreadable.capacity();
        self.ids.capacity() * size_of::<u64>()
            + nameless * size_of::<NamelessMember>()
            + self.labels.text.capacity()
            + self.labels.ends.capacity() * size_of::<(u64, usize)>()
    }

    /// Members without labels.
    pub(crate) fn from_ids(ids: Vec<u64>) -> Self {
        Self {
            ids,
            ..Self::default()
        }
    }

    /// The labels of the members, e.g. `Pat Departed <pat@example.net>`.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (u64, &str)> {
        let mut begin = 0;
        self.labels.ends.iter().filter_map(move |(id, end)| {
            let label = self.labels.text.get(begin..*end);
            begin = *end;
            Some((*id, label?))
        })
    }
}

impl Stated<Members> {
    /// Whether there may be members besides the ids, or the value is not a list.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.is_unreadable() || self.value().is_some_and(Members::is_incomplete)
    }

    /// The stated ids of the members.
    pub(crate) fn ids(&self) -> &[u64] {
        self.value().map_or(&[], |members| &members.ids)
    }
}

/// `Pat Departed <pat@example.net>`, or only the known part; clipped.
pub(crate) fn person_label(name: Option<&str>, email: Option<&str>) -> Option<Box<str>> {
    let label = label_parts(name, email).concat();
    if label.len() > MAX_SOURCE_TEXT_BYTES {
        return Some(clip_source_text(&label).into());
    }
    (!label.is_empty()).then(|| label.into())
}

/// The parts of a [`person_label`] before it is clipped.
fn label_parts<'a>(name: Option<&'a str>, email: Option<&'a str>) -> [&'a str; 4] {
    match (name, email) {
        (Some(name), Some(email)) => [name, " <", email, ">"],
        (name, email) => [name.or(email).unwrap_or_default(), "", "", ""],
    }
}

impl MemberLabels {
    /// Whether there is room for a label of this many bytes.
    fn fits(&self, len: usize) -> bool {
        let per_member = size_of::<(u64, usize)>();
        let used = self.text.len() + self.ends.len() * per_member;
        used + len + per_member <= MAX_MEMBER_LABEL_BYTES
    }

    /// Adds the label of a person, if there is room.
    pub(crate) fn push_person(&mut self, id: u64, name: Option<&str>, email: Option<&str>) {
        let parts = label_parts(name, email);
        match parts.iter().map(|part| part.len()).sum() {
            0 => {}
            1..=MAX_SOURCE_TEXT_BYTES => self.push(id, &parts),
            _ => self.push(id, &[&clip_source_text(&parts.concat())]),
        }
    }

    fn push(&mut self, id: u64, parts: &[&str]) {
        if self.fits(parts.iter().map(|part| part.len()).sum()) {
            self.text.extend(parts.iter().copied());
            self.ends.push((id, self.text.len()));
        }
    }
}
