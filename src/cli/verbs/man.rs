//! `switchboard man`: manual pages.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::args;
use crate::cli::exit::{Exit, Failure};

/// Write manual pages, one per verb, into a folder.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard man ~/.local/share/man/man1
  man -l ~/.local/share/man/man1/switchboard-send.1")]
pub struct ManArgs {
    /// The folder; made if absent
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// Writes the pages; returns their paths.
pub fn write(args: &ManArgs) -> Result<Vec<PathBuf>, Failure> {
    let dir = &args.dir;
    let failed = |path: &Path, e: &std::io::Error| {
        let message = format!("{} cannot be written: {e}", path.display());
        Failure::new(Exit::Failed, "unwritable", message)
    };
    std::fs::create_dir_all(dir).map_err(|e| failed(dir, &e))?;
    let mut written = Vec::new();
    let mut command = args::command();
    command.build();
    for (name, page) in pages(&command, "switchboard") {
        let path = dir.join(format!("{name}.1"));
        let rendered = page.map_err(|e| failed(&path, &e))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "a manual page can be made again; it needs no atomic write"
        )]
        std::fs::write(&path, rendered).map_err(|e| failed(&path, &e))?;
        written.push(path);
    }
    Ok(written)
}

type Page = (String, std::io::Result<Vec<u8>>);

fn pages(command: &clap::Command, name: &str) -> Vec<Page> {
    let render = || {
        let mut page = Vec::new();
        clap_mangen::Man::new(command.clone()).render(&mut page)?;
        Ok(page)
    };
    let mut all = vec![(name.to_owned(), render())];
    for sub in command.get_subcommands() {
        if sub.get_name() != "help" && !sub.is_hide_set() {
            all.extend(pages(sub, &format!("{name}-{}", sub.get_name())));
        }
    }
    all
}
