//! A desktop that is only written down: every act a line of JSON. Sees nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::delivery::ports::{Abilities, Act, Clip, Desktop, Picture, Survey, Trouble};
use crate::events::facts::screen::{Point, Rect};

/// Appends what would be done to a file, one JSON object a line, flushed line by line.
#[derive(Debug)]
pub struct RecordDesktop {
    file: File,
    clip: Clip,
}

impl RecordDesktop {
    /// Opens the file for appending; makes it, but not its folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            file,
            clip: Clip::Empty,
        })
    }

    fn write(&mut self, line: &serde_json::Value) -> Result<(), Trouble> {
        // One write for the whole line, so that lines of several processes do not mix.
        self.file
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| self.file.flush())
            .map_err(|e| Trouble::DisplayGone(format!("the record could not be written: {e}")))
    }
}

impl Desktop for RecordDesktop {
    fn abilities(&self) -> Abilities {
        Abilities {
            name: "record".to_owned(),
            observes: false,
            sees_people: false,
        }
    }

    fn survey(&mut self, _at: Point) -> Result<Survey, Trouble> {
        Err(Trouble::Unsupported("a record sees nothing".to_owned()))
    }

    fn capture(&mut self, _region: Rect) -> Result<Picture, Trouble> {
        Err(Trouble::Unsupported("a record sees nothing".to_owned()))
    }

    fn act(&mut self, act: &Act) -> Result<(), Trouble> {
        self.write(&serde_json::json!({ "act": act }))
    }

    fn clipboard(&mut self) -> Result<Clip, Trouble> {
        Ok(self.clip.clone())
    }

    fn set_clipboard(&mut self, clip: &Clip) -> Result<(), Trouble> {
        self.clip = clip.clone();
        self.write(&serde_json::json!({ "clipboard": clip }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_is_a_line_of_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acts");
        for x in [1, 2] {
            let mut desktop = RecordDesktop::open(&path).unwrap();
            desktop.act(&Act::Click(Point { x, y: 2 })).unwrap();
            desktop
                .set_clipboard(&Clip::Text("a\nb".to_owned()))
                .unwrap();
            assert_eq!(desktop.clipboard(), Ok(Clip::Text("a\nb".to_owned())));
            desktop.act(&Act::Press("ctrl+v".parse().unwrap())).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                r#"{"act":{"click":{"x":1,"y":2}}}"#,
                r#"{"clipboard":{"text":"a\nb"}}"#,
                r#"{"act":{"press":"ctrl+v"}}"#,
                r#"{"act":{"click":{"x":2,"y":2}}}"#,
                r#"{"clipboard":{"text":"a\nb"}}"#,
                r#"{"act":{"press":"ctrl+v"}}"#,
            ]
        );
    }
}
