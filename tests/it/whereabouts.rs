//! Windows that were moved since their agents were placed, on a real display.

use std::process::Command;

use crate::display::{Display, on_a_display, rect};
use crate::running_kit::Desk;

fn xdotool(display: &Display, args: &[&str]) -> String {
    let mut command = Command::new("xdotool");
    let done = command.args(args).env("DISPLAY", &display.name).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{args:?}: {done:?}");
    String::from_utf8(done.stdout).unwrap()
}

fn move_window(display: &Display, title: &str, to: (i32, i32)) {
    let title = format!("^{title}$");
    let found = xdotool(
        display,
        &["search", "--sync", "--onlyvisible", "--name", &title],
    );
    let number = found.split_whitespace().next().unwrap();
    let (x, y) = (to.0.to_string(), to.1.to_string());
    xdotool(display, &["windowmove", "--sync", number, &x, &y]);
}

on_a_display! {
    fn e2e_a_captured_window_is_found_wherever_it_is_moved(display) {
        let agent = display.tk("mover", rect(60, 60, 360, 240), &[]);
        let desk = Desk::on(&display.name);
        desk.must(&["agent", "add", "mover", "--seat", &display.name, "--channel", "gui"]);
        xdotool(display, &["mousemove", "1200", "850"]);
        let nothing = desk.run(&["agent", "capture", "mover"]);
        assert_eq!((nothing.code, &nothing.exit_error()["code"]), (6, &"no_window".into()));
        let (x, y) = (agent.at.x.to_string(), agent.at.y.to_string());
        xdotool(display, &["mousemove", &x, &y]);
        let taken = desk.run(&["agent", "capture", "mover"]);
        assert_eq!(taken.code, 0, "{taken:?}");
        assert_eq!(taken.item()["place"], serde_json::json!([agent.at.x, agent.at.y]));
        assert!(taken.err.contains("`mover`"), "{taken:?}");

        let send = |text: &str| desk.run(&["send", "--to", "mover", "--timeout", "50s", "--", text]);
        assert_eq!(send("at its place").code, 0);
        // Somebody else opens a window in its old place.
        move_window(display, "mover", (700, 500));
        let stranger = display.tk("stranger", rect(60, 60, 360, 240), &[]);
        let listed = desk.run(&["agent", "list", "--check"]);
        assert_eq!(listed.code, 0, "{listed:?}");
        assert!(listed.item()["check"]["detail"].as_str().unwrap().contains("was moved"), "{listed:?}");
        assert_eq!(send("somewhere else").code, 0);
        move_window(display, "mover", (500, 30));
        assert_eq!(send("and again").code, 0);
        assert_eq!(agent.received(), ["at its place", "somewhere else", "and again"]);

        // Gone: the stranger in its place is left alone.
        drop(agent);
        let held = send("to nobody");
        assert_eq!(held.code, 1, "{held:?}");
        let message = held.item()["message"].as_str().unwrap().to_owned();
        let failed = desk.story(&message, "attempt.failed");
        assert_eq!(failed[0]["detail"]["class"], "target_moved", "{failed:?}");
        assert_eq!(desk.run(&["agent", "list", "--check"]).code, 3);
        assert!(stranger.received().is_empty());
    }
}
