//! The environment, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// A snapshot of the process's environment. Nothing else of the program reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// The environment of this process. Call it once, in `main`.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
        )
    }

    /// An environment of the given variables and no others.
    pub fn of<N: Into<String>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    /// A variable's text; none when it is absent, empty or not UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .and_then(|value| value.to_str())
            .filter(|value| !value.is_empty())
    }

    /// A variable's path; none when it is absent or empty.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.0
            .get(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    }

    /// A folder of the XDG kind: absolute, else below `$HOME`.
    fn xdg(&self, name: &str, below_home: &str) -> Option<PathBuf> {
        self.path(name)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(self.path("HOME")?.join(below_home)))
    }

    /// The user's folder of configuration: `$XDG_CONFIG_HOME/switchboard`.
    pub fn user_folder(&self) -> Option<PathBuf> {
        Some(self.xdg("XDG_CONFIG_HOME", ".config")?.join("switchboard"))
    }

    /// Where the store is when nobody says: `$XDG_DATA_HOME/switchboard`.
    pub fn default_store(&self) -> Option<PathBuf> {
        Some(
            self.xdg("XDG_DATA_HOME", ".local/share")?
                .join("switchboard"),
        )
    }

    /// `$DISPLAY`.
    pub fn display(&self) -> Option<&str> {
        self.text("DISPLAY")
    }

    /// Every variable whose name starts with `SWITCHBOARD_`, sorted, with the rest of its name.
    pub(super) fn own(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        self.0.iter().filter_map(|(name, value)| {
            let rest = name.strip_prefix("SWITCHBOARD_")?;
            Some((name.as_str(), rest, value.to_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_follow_xdg_and_fall_back_to_home() {
        let home = Environment::of([("HOME", "/home/ada")]);
        assert_eq!(
            home.user_folder(),
            Some(PathBuf::from("/home/ada/.config/switchboard"))
        );
        assert_eq!(
            home.default_store(),
            Some(PathBuf::from("/home/ada/.local/share/switchboard"))
        );
        let xdg = Environment::of([("HOME", "/home/ada"), ("XDG_DATA_HOME", "/data")]);
        assert_eq!(
            xdg.default_store(),
            Some(PathBuf::from("/data/switchboard"))
        );
        let relative = Environment::of([("HOME", "/home/ada"), ("XDG_DATA_HOME", "data")]);
        assert_eq!(relative.default_store(), home.default_store());
        assert_eq!(Environment::default().default_store(), None);
    }
}
