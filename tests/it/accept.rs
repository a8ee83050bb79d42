//! The acceptance drivers of `scripts/accept`, with numbers small enough for every run. Anyone can run
//! the same programs with larger ones.

use std::path::Path;
use std::process::Command;

use super::display::{Display, on_a_display};

// Windows of Tk showed every arrival in all runs on a busy machine: one doubt is left for a busier one.
on_a_display! {
    fn e2e_messages_reach_eight_windows_intact_and_once(display) {
        accept(display, "deliver", &["--count", "40", "--unsure-max", "0.025"]);
    }

    fn e2e_a_stream_through_the_daemon_reaches_stalling_windows(display) {
        accept(display, "deliver", &["--count", "80", "--mode", "daemon", "--burst", "--stall-ms", "150", "--unsure-max", "0.0125"]);
    }

    fn e2e_entries_are_targets_too(display) {
        accept(display, "deliver", &["--count", "16", "--windows", "4", "--mode", "daemon", "--kind", "entry", "--unsure-max", "0.0625"]);
    }

    // GTK fades its colours and a terminal keeps what was typed: some arrivals cannot be seen for sure,
    // and then must not be claimed.
    fn e2e_gtk_boxes_and_terminals_get_every_text_and_no_false_claim(display) {
        for (kind, unsure) in [("gtk", "0.16"), ("xterm", "0.08")] {
            let few = ["--count", "12", "--windows", "4", "--mode", "daemon", "--kind", kind];
            accept(display, "deliver", &[&few[..], &["--unsure-max", unsure]].concat());
        }
    }

    // A window that is slow to draw, a program that sends late: what arrived must not be claimed too early.
    fn e2e_pages_in_a_browser_and_other_toolkits_get_every_text_once(display) {
        for kind in ["chromium", "editable", "async", "qt", "gtktext", "tmux"] {
            let few = ["--count", "8", "--windows", "2", "--mode", "daemon", "--kind", kind];
            accept(display, "deliver", &[&few[..], &["--unsure-max", "0.25"]].concat());
        }
    }

    fn e2e_whoever_gets_in_the_way_no_claim_is_false_and_no_key_goes_astray(display) {
        let few = ["--count", "10", "--windows", "2"];
        let each = ["focus", "modal", "mover", "clipboard"].map(|manner| ["--only", manner]);
        accept(display, "hostile", &[&few[..], &each.concat()].concat());
    }

    fn e2e_no_message_runs_in_a_shell_by_itself(display) {
        accept(display, "attack", &["--only", "tmux-bash"]);
    }

    fn e2e_an_obstacle_is_named_and_the_inbox_takes_over(display) {
        accept(display, "obstacles", &[]);
    }

    fn e2e_the_dashboard_answers_in_a_real_browser(display) {
        accept(display, "dashboard", &["--quick"]);
    }

    fn e2e_no_kill_loses_or_doubles_a_message_silently(display) {
        accept(display, "kills", &["--rounds", "20"]);
    }
}

fn accept(display: &Display, driver: &str, options: &[&str]) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/accept");
    let done = Command::new("/usr/bin/python3")
        .arg("-B")
        .arg(scripts.join(driver))
        .args(["--binary", env!("CARGO_BIN_EXE_switchboard")])
        .args(["--display", &display.name])
        .args(options)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{driver} {options:?}\n{}\n{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}
