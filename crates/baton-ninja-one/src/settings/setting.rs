//! What a setting is, and the typed keys by which settings are read. The settings themselves are in `definitions.rs`.

use std::marker::PhantomData;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The flag without dashes, which is the key in a config file too.
    pub(crate) name: &'static str,
    /// A one-letter flag.
    pub(crate) short: Option<char>,
    /// What values look like.
    pub(crate) value_type: ValueType,
    /// The value if none is given; empty if there is none.
    pub(crate) default: &'static str,
    /// Whether a sync needs it.
    pub(crate) required: bool,
    /// Whether its value is never shown.
    pub(crate) secret: bool,
    /// Whether people copy it from somewhere: the value may come from a file named by `<VARIABLE>_FILE`, and suspicious
    /// characters in it are reported.
    pub(crate) credential: bool,
    /// Where values may come from.
    pub(crate) scope: SettingScope,
    /// What it does, for people.
    pub(crate) help: &'static str,
}

/// What values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueType {
    /// Any text in one line.
    Text,
    /// A JSON text, which may have several lines.
    Json,
    /// A path in the file system.
    Path,
    /// On or off.
    Switch,
    /// A whole number within bounds.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
        /// Whether 0 and less stand for the default, as in the reference.
        zero_is_default: bool,
    },
    /// Any whole number; nothing depends on it.
    Number,
    /// Any number of texts, separated by commas where they come in one.
    List,
    /// One of a few words.
    Choice {
        /// The words.
        words: &'static [&'static str],
        /// The word that stands for every unknown one, as in the reference. Without it an unknown word is an error.
        fallback: Option<&'static str>,
    },
}

/// Where values may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SettingScope {
    /// Flag, environment, config file.
    All,
    /// Flag and environment: it says where the config file is.
    FlagAndEnvironment,
    /// Environment only, as in the reference.
    Environment,
}

/// The environment variable of a setting, or of a flag of the reference.
pub(crate) fn variable_of(name: &str) -> String {
    format!("BATON_{}", name.to_uppercase().replace('-', "_"))
}

/// The flag without dashes. The config file's is shorter than its variable, which is the reference's.
pub(super) fn flag_of(name: &'static str) -> &'static str {
    if name == "config-path" { "config" } else { name }
}

impl Setting {
    /// The flag without dashes.
    #[must_use]
    pub(crate) fn flag(&self) -> &'static str {
        flag_of(self.name)
    }

    /// The environment variable.
    #[must_use]
    pub(crate) fn variable(&self) -> String {
        variable_of(self.name)
    }

    /// The environment variable that names a file with the value.
    #[must_use]
    pub(crate) fn file_variable(&self) -> Option<String> {
        self.credential.then(|| format!("{}_FILE", self.variable()))
    }

    /// Whether 0 and less stand for the default.
    #[must_use]
    pub(super) fn zero_is_default(&self) -> bool {
        matches!(
            self.value_type,
            ValueType::Integer {
                zero_is_default: true,
                ..
            }
        )
    }

    /// Whether there is a flag.
    #[must_use]
    pub(crate) fn has_flag(&self) -> bool {
        self.scope != SettingScope::Environment
    }
}

/// The key by which a setting is read: its definition, with the type of its values. Keys exist for settings only, so that a
/// wrong name does not compile, nor a switch that is read as a number.
pub(crate) struct SettingKey<T> {
    /// The definition.
    pub(crate) setting: Setting,
    value: PhantomData<fn() -> T>,
}

/// The type of a text in one line.
pub(crate) enum Text {}
/// The type of a JSON text.
pub(crate) enum Json {}
/// The type of a path.
pub(crate) enum Path {}
/// The type of what is on or off.
pub(crate) enum Switch {}
/// The type of a whole number within bounds.
pub(crate) enum Integer {}
/// The type of a list of texts.
pub(crate) enum List {}
/// The type of a word of a few.
pub(crate) enum Choice {}

impl<T> SettingKey<T> {
    const fn new(
        name: &'static str,
        value_type: ValueType,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            setting: Setting {
                name,
                short: None,
                value_type,
                default,
                required: false,
                secret: false,
                credential: false,
                scope: SettingScope::All,
                help,
            },
            value: PhantomData,
        }
    }

    /// With a one-letter flag.
    pub(super) const fn short(mut self, letter: char) -> Self {
        self.setting.short = Some(letter);
        self
    }

    /// A sync needs it.
    pub(super) const fn required(mut self) -> Self {
        self.setting.required = true;
        self
    }

    /// People copy it from somewhere.
    pub(super) const fn credential(mut self) -> Self {
        self.setting.credential = true;
        self
    }

    /// A credential that is never shown.
    pub(super) const fn secret(mut self) -> Self {
        self.setting.secret = true;
        self.credential()
    }

    /// Not a key of the config file.
    pub(super) const fn not_in_config_file(mut self) -> Self {
        self.setting.scope = SettingScope::FlagAndEnvironment;
        self
    }

    /// Neither a flag nor a key of the config file.
    pub(super) const fn environment_only(mut self) -> Self {
        self.setting.scope = SettingScope::Environment;
        self
    }
}

impl SettingKey<Switch> {
    /// On unless it is turned off.
    pub(super) const fn on_by_default(mut self) -> Self {
        self.setting.default = "true";
        self
    }
}

impl SettingKey<Integer> {
    /// 0 and less stand for the default, as in the reference.
    pub(super) const fn zero_is_default(mut self) -> Self {
        if let ValueType::Integer { min, max, .. } = self.setting.value_type {
            self.setting.value_type = ValueType::Integer {
                min,
                max,
                zero_is_default: true,
            };
        }
        self
    }
}

/// A text in one line.
pub(super) const fn text(name: &'static str, default: &'static str, help: &'static str) -> SettingKey<Text> {
    SettingKey::new(name, ValueType::Text, default, help)
}

/// A JSON text.
pub(super) const fn json(name: &'static str, help: &'static str) -> SettingKey<Json> {
    SettingKey::new(name, ValueType::Json, "", help)
}

/// A path.
pub(super) const fn path(name: &'static str, default: &'static str, help: &'static str) -> SettingKey<Path> {
    SettingKey::new(name, ValueType::Path, default, help)
}

/// A switch that is off by default.
pub(super) const fn switch(name: &'static str, help: &'static str) -> SettingKey<Switch> {
    SettingKey::new(name, ValueType::Switch, "false", help)
}

/// A whole number from `min` to `max`.
pub(super) const fn integer(
    name: &'static str,
    min: u64,
    max: u64,
    default: &'static str,
    help: &'static str,
) -> SettingKey<Integer> {
    let value_type = ValueType::Integer {
        min,
        max,
        zero_is_default: false,
    };
    SettingKey::new(name, value_type, default, help)
}

/// A list of texts.
pub(super) const fn list(name: &'static str, default: &'static str, help: &'static str) -> SettingKey<List> {
    SettingKey::new(name, ValueType::List, default, help)
}

/// One of some words. Another word is an error.
pub(super) const fn choice(
    name: &'static str,
    words: &'static [&'static str],
    default: &'static str,
    help: &'static str,
) -> SettingKey<Choice> {
    let value_type = ValueType::Choice {
        words,
        fallback: None,
    };
    SettingKey::new(name, value_type, default, help)
}

/// One of some words. Another word means `fallback`, as in the reference.
pub(super) const fn lenient_choice(
    name: &'static str,
    words: &'static [&'static str],
    fallback: &'static str,
    default: &'static str,
    help: &'static str,
) -> SettingKey<Choice> {
    let value_type = ValueType::Choice {
        words,
        fallback: Some(fallback),
    };
    SettingKey::new(name, value_type, default, help)
}

/// Whether a key is called like its setting: `NO_PROGRESS` for `no-progress`.
pub(super) const fn is_key_of(key: &str, name: &str) -> bool {
    let (key, name) = (key.as_bytes(), name.as_bytes());
    if key.len() != name.len() {
        return false;
    }
    let mut n = 0;
    while n < key.len() {
        let expected = if name[n] == b'-' {
            b'_'
        } else {
            name[n].to_ascii_uppercase()
        };
        if key[n] != expected {
            return false;
        }
        n += 1;
    }
    true
}

/// Defines settings: for each a key of its own, and [`SETTINGS`](super::SETTINGS), the table of all.
macro_rules! settings {
    ($($key:ident: $value_type:ident = $definition:expr;)*) => {
        $(
            pub(crate) static $key: $crate::settings::setting::SettingKey<$crate::settings::setting::$value_type> =
                $definition;
            const _: () = assert!($crate::settings::setting::is_key_of(stringify!($key), $key.setting.name));
        )*

        /// Every setting, by name.
        pub(crate) static SETTINGS: &[&$crate::settings::setting::Setting] = &[$(&$key.setting,)*];
    };
}
pub(super) use settings;
