//! The definition of a setting, and typed keys that read settings. The settings are in `definitions.rs`.

use std::marker::PhantomData;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The flag without dashes, which is the key in a config file too.
    pub(crate) name: &'static str,
    /// A one-letter flag.
    pub(crate) short: Option<char>,
    /// The type of values.
    pub(crate) value_type: ValueType,
    /// The default; empty if there is none.
    pub(crate) default: &'static str,
    /// Whether a sync needs it.
    pub(crate) required: bool,
    /// Whether its value is never shown.
    pub(crate) secret: bool,
    /// Whether it is usually pasted: the value may come from a file named by `<VARIABLE>_FILE`, and suspicious characters
    /// are reported.
    pub(crate) credential: bool,
    /// The allowed sources of values.
    pub(crate) scope: SettingScope,
    /// The description, for people.
    pub(crate) help: &'static str,
}

/// The type of values.
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
    /// An integer within bounds.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
        /// Whether 0 and negative numbers mean the default, like in the reference.
        zero_is_default: bool,
    },
    /// Any integer; it has no effect.
    Number,
    /// Texts, repeated or separated by commas.
    List,
    /// One of a few words.
    Choice {
        /// The words.
        words: &'static [&'static str],
        /// The replacement of unknown words, like in the reference. Without it an unknown word is an error.
        fallback: Option<&'static str>,
    },
}

/// The allowed sources of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SettingScope {
    /// Flag, environment, config file.
    All,
    /// Flag and environment, for the path of the config file.
    FlagAndEnvironment,
    /// Environment only, like in the reference.
    Environment,
}

/// The environment variable of a setting, or of a flag of the reference.
pub(crate) fn variable_name(name: &str) -> String {
    format!("BATON_{}", name.to_uppercase().replace('-', "_"))
}

/// The flag without dashes. The flag of the config file is shorter than its variable, which is the reference's.
pub(super) fn flag_name(name: &'static str) -> &'static str {
    if name == "config-path" { "config" } else { name }
}

impl Setting {
    /// The flag without dashes.
    #[must_use]
    pub(crate) fn flag(&self) -> &'static str {
        flag_name(self.name)
    }

    /// The environment variable.
    #[must_use]
    pub(crate) fn variable(&self) -> String {
        variable_name(self.name)
    }

    /// The environment variable that names a file with the value.
    #[must_use]
    pub(crate) fn file_variable(&self) -> Option<String> {
        self.credential.then(|| format!("{}_FILE", self.variable()))
    }

    /// Whether 0 and negative numbers mean the default.
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

/// The typed key of a setting. Keys only exist for settings, so a wrong name or type does not compile.
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
/// The type of a switch.
pub(crate) enum Switch {}
/// The type of an integer within bounds.
pub(crate) enum Integer {}
/// The type of a list of texts.
pub(crate) enum List {}
/// The type of a choice.
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

    /// Adds a one-letter flag.
    pub(super) const fn short(mut self, letter: char) -> Self {
        self.setting.short = Some(letter);
        self
    }

    /// Marks it as required by a sync.
    pub(super) const fn required(mut self) -> Self {
        self.setting.required = true;
        self
    }

    /// Marks it as usually pasted.
    pub(super) const fn credential(mut self) -> Self {
        self.setting.credential = true;
        self
    }

    /// Marks it as a secret.
    pub(super) const fn secret(mut self) -> Self {
        self.setting.secret = true;
        self.credential()
    }

    /// Excludes it from the config file.
    pub(super) const fn not_in_config_file(mut self) -> Self {
        self.setting.scope = SettingScope::FlagAndEnvironment;
        self
    }

    /// Restricts it to the environment.
    pub(super) const fn environment_only(mut self) -> Self {
        self.setting.scope = SettingScope::Environment;
        self
    }
}

impl SettingKey<Switch> {
    /// Makes a switch on by default.
    pub(super) const fn on_by_default(mut self) -> Self {
        self.setting.default = "true";
        self
    }
}

impl SettingKey<Integer> {
    /// Makes 0 and negative numbers mean the default, like in the reference.
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

/// An integer from `min` to `max`.
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

/// A choice. Another word is an error.
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

/// A choice. Another word means `fallback`, like in the reference.
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

/// Whether a key has the name of its setting: `NO_PROGRESS` for `no-progress`.
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

/// Defines the keys of settings, and the table [`SETTINGS`](super::SETTINGS).
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
