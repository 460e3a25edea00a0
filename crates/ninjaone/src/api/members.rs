//! The members of a role, and what the tenant says of them.

use access_core::model::{MAX_SOURCE_TEXT_BYTES, clip_source_text};

use super::Stated;

/// The members of a role as ids, so that a role that everybody has costs little, and their words while there is room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) ids: Vec<u64>,
    /// Members without an id.
    pub(crate) without_id: Vec<NamelessMember>,
    /// Elements that are no objects, and members whose id is not readable.
    pub(crate) unreadable: Vec<NamelessMember>,
    pub(super) words: MemberWords,
}

/// A member that no id tells from others: the words that the tenant has for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NamelessMember(pub(crate) Option<Box<str>>);

/// Words by member, one after the other. Where there is no room any more, none are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MemberWords {
    pub(super) text: String,
    /// Who, and where the words end.
    pub(super) ends: Vec<(u64, usize)>,
}

/// Bytes of labels kept of one role's members: they are needed for members that are in no list of users.
pub(super) const MAX_MEMBER_WORDS_BYTES: usize = 8 << 20;

impl Members {
    /// Whether there may be members who are not among the ids.
    pub(crate) fn is_incomplete(&self) -> bool {
        !self.without_id.is_empty() || !self.unreadable.is_empty()
    }

    /// Members of whom only the ids are known.
    pub(crate) fn from_ids(ids: Vec<u64>) -> Self {
        Self {
            ids,
            ..Self::default()
        }
    }

    /// What the tenant says of the members, e.g. `Pat Departed <pat@example.net>`.
    pub(crate) fn members_with_label(&self) -> impl Iterator<Item = (u64, &str)> {
        let mut begin = 0;
        self.words.ends.iter().filter_map(move |(id, end)| {
            let words = self.words.text.get(begin..*end);
            begin = *end;
            Some((*id, words?))
        })
    }
}

impl Stated<Members> {
    /// Whether there may be members who are not among the ids, or the value is not a list.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.is_unreadable() || self.said().is_some_and(Members::is_incomplete)
    }

    /// The ids of the members, as far as they are said.
    pub(crate) fn ids(&self) -> &[u64] {
        self.said().map_or(&[], |members| &members.ids)
    }
}

/// `Pat Departed <pat@example.net>`, or as much of it as there is; clipped.
pub(crate) fn person_label(name: Option<&str>, email: Option<&str>) -> Option<Box<str>> {
    let mut words = String::new();
    write_person_words(&mut words, name, email);
    (!words.is_empty()).then(|| words.into())
}

/// Writes the same into an empty text.
pub(super) fn write_person_words(words: &mut String, name: Option<&str>, email: Option<&str>) {
    match (name, email) {
        (Some(name), Some(email)) => {
            for part in [name, " <", email, ">"] {
                words.push_str(part);
            }
        }
        (Some(only), None) | (None, Some(only)) => words.push_str(only),
        (None, None) => {}
    }
    if words.len() > MAX_SOURCE_TEXT_BYTES {
        *words = clip_source_text(words);
    }
}

impl MemberWords {
    /// Whether there is room for words of so many bytes.
    fn fits(&self, len: usize) -> bool {
        let per_member = size_of::<(u64, usize)>();
        let used = self.text.len() + self.ends.len() * per_member;
        used + len + per_member <= MAX_MEMBER_WORDS_BYTES
    }

    /// Whether there is room for any words.
    pub(crate) fn has_room(&self) -> bool {
        self.fits(1)
    }

    pub(crate) fn push(&mut self, id: u64, words: &str) {
        if self.fits(words.len()) {
            self.text.push_str(words);
            self.ends.push((id, self.text.len()));
        }
    }
}
