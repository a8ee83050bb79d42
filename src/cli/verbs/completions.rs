//! `switchboard completions`: for the shell.

use clap::Args;
use clap_complete::Shell;

use crate::cli::args;

/// Print completions for a shell.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard completions bash > ~/.local/share/bash-completion/completions/switchboard
  switchboard completions zsh > ~/.zfunc/_switchboard")]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// The completion script.
pub fn script(args: &CompletionsArgs) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "switchboard", &mut script);
    script
}
