//! Owners of a ledger on a real display.

use std::sync::atomic::{AtomicBool, Ordering};

use switchboard::adapters::desktop::x11::desktop::X11Desktop;
use switchboard::adapters::desktop::x11::seat::SeatClaim;
use switchboard::delivery::ports::{Clip, Desktop as _};
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::wrapper::ConnectionExt as _;

use crate::display::{Agent, Display, on_a_display, rect, until};
use crate::running_kit::{Desk, Running};

/// A desk that knows the agent.
fn desk_for(display: &Display, agents: &[&Agent]) -> Desk {
    let desk = Desk::on(&display.name);
    for agent in agents {
        let at = format!("{},{}", agent.at.x, agent.at.y);
        let add = [
            "agent",
            "add",
            &agent.name,
            "--at",
            &at,
            "--seat",
            &display.name,
        ];
        desk.must(&add);
    }
    desk
}

/// Moves the pointer like a person who does not stop.
fn fidget(display: &str, stop: &AtomicBool) {
    let (conn, screen) = x11rb::connect(Some(display)).unwrap();
    let root = {
        use x11rb::connection::Connection as _;
        conn.setup().roots[screen].root
    };
    let mut x = 0;
    while !stop.load(Ordering::SeqCst) {
        x = (x + 7) % 600;
        conn.warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, x, 850)
            .unwrap();
        conn.sync().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Lets a window's process stand still, or go on.
fn signal(agent: &Agent, name: &str) {
    let group = format!("-{}", agent.process.0.id());
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args([name, "--", &group]).status().unwrap().success());
}

/// A sender whose attempt is under way in a window that stands still.
fn sender_under_way(desk: &Desk, agent: &Agent, id: &str, more: &[&str]) -> Running {
    signal(agent, "-STOP");
    let send = ["send", "--to", &agent.name, "--id", id, "good morning"];
    let sender = desk.start(&[more, &send].concat());
    // Whoever asks earlier may become the owner instead.
    until("it owns the ledger", || {
        desk.store().join("control.sock").exists()
    });
    until("an attempt is under way", || {
        let ran = desk.run(&["show", id]);
        ran.code == 0 && ran.item()["state"] == "attempting"
    });
    sender
}

/// Has a daemon carry what is left, and looks what the window got.
fn arrives_once(desk: &Desk, agent: &Agent, id: &str) {
    assert!(!desk.store().join("control.sock").exists());
    signal(agent, "-CONT");
    let daemon = desk.serve(&["--set", "retry.base_delay=100ms"]);
    until("it is settled", || {
        let state = desk.must(&["show", id])["state"].clone();
        !["accepted", "attempting", "pasted"].contains(&state.as_str().unwrap())
    });
    assert_eq!(daemon.stop().code, 143);
    // A window that has just come back to life may leave doubt, which must be said and not repeated.
    let state = desk.must(&["show", id])["state"].clone();
    let story = desk.run(&["why", id]).out;
    match state.as_str() {
        Some("observed") => assert_eq!(agent.received(), ["good morning"], "{story}"),
        Some("unknown") => assert!(agent.received().len() <= 1, "{story}"),
        _ => panic!("{state}: {story}"),
    }
    assert_eq!(desk.must(&["verify"])["ok"], true);
}

on_a_display! {
    fn e2e_an_interrupted_sender_lets_its_attempt_end_and_its_message_stays_queued(display) {
        let agent = display.tk("agent-1", rect(20, 20, 400, 200), &["--kind", "text"]);
        let desk = desk_for(display, &[&agent]);
        let id = uuid::Uuid::new_v4().to_string();
        let sender = sender_under_way(&desk, &agent, &id, &[]);
        sender.signal("-INT");
        let ended = sender.end();
        assert_eq!(ended.code, 130, "{ended:?}");
        let error = ended.exit_error();
        assert_eq!((&error["code"], &error["id"]), (&"interrupted".into(), &id.clone().into()));
        assert!(error["message"].as_str().unwrap().contains("stays queued"), "{error}");
        // It ended by itself, with a class that says why, and no other one began.
        let failed = desk.story(&id, "attempt.failed");
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert_ne!(failed[0]["detail"]["class"], "interrupted", "{failed:?}");
        assert_eq!(desk.story(&id, "attempt.started").len(), 1);
        arrives_once(&desk, &agent, &id);
    }

    fn e2e_a_second_interrupt_does_not_wait_for_the_attempt(display) {
        let agent = display.tk("agent-1", rect(20, 20, 400, 200), &["--kind", "text"]);
        let desk = desk_for(display, &[&agent]);
        let id = uuid::Uuid::new_v4().to_string();
        let forever = ["focus", "calm", "clipboard", "paste", "probe"]
            .map(|step| format!("delivery.patience.{step}=60s"));
        let patient: Vec<&str> = forever.iter().flat_map(|set| ["--set", set.as_str()]).collect();
        let sender = sender_under_way(&desk, &agent, &id, &patient);
        sender.signal("-INT");
        until("the first one was heard", || !desk.store().join("control.sock").exists());
        sender.signal("-INT");
        let begun = std::time::Instant::now();
        let ended = sender.end();
        // The attempt would have gone on for 20 seconds at least.
        assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
        assert_eq!(ended.code, 130, "{ended:?}");
        let failed = desk.story(&id, "attempt.failed");
        assert_eq!(failed[0]["detail"]["class"], "interrupted", "{failed:?}");
        arrives_once(&desk, &agent, &id);
    }

    /// `seat.human_pause`: the whole seat rests after a person was met, not only the message.
    fn e2e_a_seat_rests_as_long_as_was_said_after_a_person_was_met(display) {
        let first = display.tk("agent-1", rect(20, 20, 400, 200), &["--kind", "text"]);
        let second = display.tk("agent-2", rect(460, 20, 400, 200), &["--kind", "text"]);
        let desk = desk_for(display, &[&first, &second]);
        let daemon = desk.serve(&["--set", "seat.human_pause=2500ms", "--set", "retry.base_delay=1ms"]);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| fidget(&display.name, &stop));
            let send = |to| {
                let sent = desk.must(&["send", "--to", to, "--wait", "accepted", "good morning"]);
                sent["message"].as_str().unwrap().to_owned()
            };
            let met = send("agent-1");
            let other = send("agent-2");
            until("the person was met", || !desk.story(&met, "attempt.failed").is_empty());
            stop.store(true, Ordering::SeqCst);
            let failed = desk.story(&met, "attempt.failed").remove(0);
            assert_eq!(failed["detail"]["class"], "human_active", "{failed}");
            for message in [met, other] {
                until("it is delivered", || !desk.story(&message, "attempt.observed").is_empty());
                let after: Vec<u64> = desk.story(&message, "attempt.started").iter().map(micros)
                    .filter(|at| *at > micros(&failed)).collect();
                let rest = after[0] - micros(&failed);
                assert!(rest >= 2_450_000, "{rest} µs");
            }
        });
        drop(daemon);
    }
}

/// When an event was recorded, in microseconds since midnight of its day.
fn micros(item: &serde_json::Value) -> u64 {
    let at = item["recorded_at"].as_str().unwrap();
    let (_, time) = at.split_once('T').unwrap();
    let time = time.trim_end_matches('Z');
    let (clock, part) = time.split_once('.').unwrap_or((time, "0"));
    let seconds = clock
        .split(':')
        .fold(0, |sum, two| sum * 60 + two.parse::<u64>().unwrap());
    seconds * 1_000_000 + format!("{part:0<6}").parse::<u64>().unwrap()
}

/// Processes that keep the clipboard of a display.
fn keepers(display: &Display) -> usize {
    let seat = format!("--seat\0{}\0", display.name);
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|process| std::fs::read(process.unwrap().path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains("clipboard-keeper") && line.contains(&seat))
        .count()
}

on_a_display! {
    /// Without a clipboard program, what a person had copied went away with the process that had put it
    /// back. It must outlive the command, and hold nothing of it.
    fn e2e_what_a_person_copied_outlives_a_short_sender(display) {
        let agent = display.tk("agent-1", rect(20, 20, 400, 200), &["--kind", "text"]);
        let desk = desk_for(display, &[&agent]);
        let mut person = X11Desktop::open(&display.name).unwrap();
        let mine = Clip::Text("what I copied: Grüße".to_owned());
        person.set_clipboard(&mine).unwrap();
        for round in 1..=3 {
            let begun = std::time::Instant::now();
            // Reads both pipes to their ends, as `out=$(switchboard send … 2>&1)` does.
            let sent = desk.run(&["send", "--to", "agent-1", "good morning"]);
            assert_eq!(sent.code, 0, "{sent:?}");
            assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
            assert_eq!(person.clipboard().unwrap(), mine, "round {round}");
            until("one process keeps it", || keepers(display) == 1);
            // The hands are free, and so is the ledger.
            drop(SeatClaim::take(&display.name).unwrap());
            assert!(!desk.store().join("control.sock").exists());
        }
        person.set_clipboard(&Clip::Text("something else".to_owned())).unwrap();
        until("nobody keeps it any more", || keepers(display) == 0);
        assert_eq!(person.clipboard().unwrap(), Clip::Text("something else".to_owned()));

        let brief = ["--set", "delivery.keep_clipboard=0s"];
        let sent = desk.run(&[&brief[..], &["send", "--to", "agent-1", "good night"]].concat());
        assert_eq!((sent.code, keepers(display)), (0, 0), "{sent:?}");
        assert_eq!(person.clipboard().unwrap(), Clip::Empty);
        assert_eq!(agent.received().len(), 4);
    }

    fn e2e_a_clipboard_is_kept_for_as_long_as_was_said_and_not_on_a_display_that_is_gone(display) {
        let agent = display.tk("agent-1", rect(20, 20, 400, 200), &["--kind", "text"]);
        let desk = desk_for(display, &[&agent]);
        let mut person = X11Desktop::open(&display.name).unwrap();
        let mine = Clip::Text("mine".to_owned());
        let message = Clip::Text("good morning".to_owned());
        for (set, holds) in [
            ("delivery.keep_clipboard=1s", &mine),
            ("delivery.restore_clipboard=false", &message),
        ] {
            person.set_clipboard(&mine).unwrap();
            let sent = desk.run(&["--set", set, "send", "--to", "agent-1", "good morning"]);
            assert_eq!(sent.code, 0, "{sent:?}");
            if set.contains("keep") {
                until("its time is over", || keepers(display) == 0);
                assert_eq!(person.clipboard().unwrap(), Clip::Empty);
            } else {
                assert_eq!(&person.clipboard().unwrap(), holds);
                assert_eq!(keepers(display), 1);
            }
        }
        let server = display.server.to_string();
        let killed = std::process::Command::new("kill").arg(&server).status().unwrap();
        assert!(killed.success());
        until("the keeper is gone with its display", || keepers(display) == 0);
    }
}
