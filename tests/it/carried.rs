//! Whole deliveries: the courier on the X11 desktop, into windows of several toolkits.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use switchboard::adapters::desktop::x11::desktop::X11Desktop;
use switchboard::delivery::courier::moves::{Answer, Ending, Outcome};
use switchboard::delivery::hands::{Pace, carry};
use switchboard::delivery::job::{
    Aim, ClipboardLimits, Input, Job, Keys, Patience, ReadBack, Standing,
};
use switchboard::delivery::look::Look;
use switchboard::events::facts::agent::Target;
use switchboard::events::facts::manners::Drafts;
use switchboard::events::ids::MessageId;
use switchboard::events::time::Timestamp;

use crate::display::{Agent, Display, on_a_display, rect, until};

#[derive(Debug)]
struct RealPace;

impl Pace for RealPace {
    fn now(&mut self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_micros(since.as_micros().try_into().unwrap())
    }

    fn wait(&mut self, span: Duration) {
        thread::sleep(span);
    }
}

fn body(number: usize) -> String {
    let words = "Grüße ✓ naïve — 日本語テスト 한국어 Ελληνικά Кириллица 𝄞🙂 €¥£ ";
    let filler = words.chars().cycle();
    format!("#{number} ")
        .chars()
        .chain(filler)
        .take(226)
        .collect()
}

fn job(agent: &Agent, target: Target, number: usize, look: Option<Look>) -> Job {
    Job {
        message: MessageId(uuid::Uuid::from_u128(number.try_into().unwrap())),
        attempt: 1,
        agent: agent.name.parse().unwrap(),
        place: agent.at,
        target,
        window: None,
        fingerprint: None,
        known_window: None,
        text: body(number),
        sanitised: None,
        keys: Keys::of(target),
        patience: Patience::of(target),
        look,
        standing: Vec::new(),
        expires_at: None,
        input: Input::Paste,
        read_back: ReadBack::WhenDoubtful,
        clipboard: ClipboardLimits::default(),
        aim: Aim::Deliver,
        new_chat: None,
        when_idle: None,
        drafts: Drafts::Hold,
    }
}

/// Carries `count` messages round robin, each in up to three attempts, as the ledger would order
/// it: only a failure is tried again, and what may stand in the box is told. Says how each ended
/// and how long all its attempts took.
fn carry_all(
    display: &Display,
    agents: &[(&Agent, Target)],
    count: usize,
) -> Vec<(Ending, Duration)> {
    let mut desktop = X11Desktop::open(&display.name).unwrap();
    let mut looks: Vec<Option<Look>> = agents.iter().map(|_| None).collect();
    let mut standing: Vec<Vec<Standing>> = agents.iter().map(|_| Vec::new()).collect();
    let mut carried = Vec::new();
    for number in 0..count {
        let turn = number % agents.len();
        let (agent, target) = agents[turn];
        let begun = Instant::now();
        let mut attempt = 1;
        let ending = loop {
            let mut job = job(agent, target, number, looks[turn].clone());
            job.attempt = attempt;
            job.standing.clone_from(&standing[turn]);
            let own = Standing {
                message: job.message,
                text: job.text.clone(),
                entered: false,
            };
            let ending = carry(job, &mut desktop, &mut RealPace, &mut |_| Answer::Allowed);
            if ending.learnt.is_some() {
                looks[turn].clone_from(&ending.learnt);
            }
            match &ending.outcome {
                Outcome::Observed { .. } => standing[turn].clear(),
                other @ (Outcome::Submitted { .. }
                | Outcome::Failed { .. }
                | Outcome::Unknown { .. }
                | Outcome::Measured { .. }) => {
                    println!("{} #{number} attempt {attempt}: {other:?}", agent.name);
                    if let Outcome::Failed { text_may_stand, .. } = other
                        && attempt < 3
                    {
                        standing[turn].retain(|earlier| earlier.text != own.text);
                        if *text_may_stand {
                            standing[turn].push(own);
                        }
                        attempt += 1;
                        continue;
                    }
                    let entered = !matches!(other, Outcome::Failed { .. });
                    standing[turn].push(Standing { entered, ..own });
                }
            }
            break ending;
        };
        carried.push((ending, begun.elapsed()));
    }
    carried
}

fn report(what: &str, endings: &[(Ending, Duration)]) {
    let mut times: Vec<Duration> = endings.iter().map(|(_, spent)| *spent).collect();
    times.sort();
    let observed = endings.iter().filter(|(end, _)| is_observed(end)).count();
    println!(
        "{what}: {observed} of {} observed, median {:?}, longest {:?}",
        endings.len(),
        times[times.len() / 2],
        times[times.len() - 1]
    );
    for (number, (ending, spent)) in endings.iter().enumerate() {
        if !is_observed(ending) {
            println!(
                "  #{number} after {spent:?}: {:?} {:?}",
                ending.outcome, ending.remarks
            );
        }
    }
}

fn is_observed(ending: &Ending) -> bool {
    matches!(ending.outcome, Outcome::Observed { .. })
}

fn all_arrived(agents: &[(&Agent, Target)], count: usize) {
    for (turn, (agent, _)) in agents.iter().enumerate() {
        let expected: Vec<String> = (turn..count).step_by(agents.len()).map(body).collect();
        until("everything was written down", || {
            agent.received().len() >= expected.len()
        });
        assert_eq!(agent.received(), expected, "{}", agent.name);
    }
}

/// What was not seen for sure must not be claimed, and so some arrivals are not: at most so many on a
/// machine that does other things meanwhile. What must never happen is checked without a margin.
fn observed_at_least(per_cent: usize, endings: &[(Ending, Duration)]) {
    let observed = endings.iter().filter(|(end, _)| is_observed(end)).count();
    assert!(
        observed * 100 >= endings.len() * per_cent,
        "{observed} of {}",
        endings.len()
    );
}

/// Whatever was called observed was written down once and whole, and nothing arrived twice.
fn true_to_what_was_claimed(agents: &[(&Agent, Target)], endings: &[(Ending, Duration)]) {
    for (turn, (agent, _)) in agents.iter().enumerate() {
        let claimed: Vec<String> = (turn..endings.len())
            .step_by(agents.len())
            .filter(|number| is_observed(&endings[*number].0))
            .map(body)
            .collect();
        until("what is claimed was written down", || {
            agent.received().len() >= claimed.len()
        });
        let mut received = agent.received();
        let all = received.len();
        received.sort();
        received.dedup();
        assert_eq!(received.len(), all, "{} got something twice", agent.name);
        assert!(
            claimed.iter().all(|text| received.contains(text)),
            "{}",
            agent.name
        );
    }
}

on_a_display! {
    fn forty_messages_each_reach_tk_text_and_entry(display) {
        let text = display.tk("tk-text", rect(20, 20, 500, 300), &["--kind", "text"]);
        let entry = display.tk("tk-entry", rect(560, 20, 500, 300), &["--kind", "entry"]);
        let agents = [(&text, Target::Chat), (&entry, Target::Chat)];
        let endings = carry_all(display, &agents, 80);
        report("Tk", &endings);
        true_to_what_was_claimed(&agents, &endings);
        observed_at_least(98, &endings);
    }

    fn forty_messages_each_reach_gtk_text_and_entry(display) {
        let text = display.gtk("gtk-text", rect(20, 20, 500, 300), &["--kind", "text"]);
        let entry = display.gtk("gtk-entry", rect(560, 20, 500, 300), &["--kind", "entry"]);
        let agents = [(&text, Target::Chat), (&entry, Target::Chat)];
        let endings = carry_all(display, &agents, 80);
        report("GTK", &endings);
        true_to_what_was_claimed(&agents, &endings);
        observed_at_least(96, &endings);
    }

    fn forty_messages_reach_a_terminal(display) {
        let terminal = display.xterm("xterm", rect(20, 20, 100, 24), &[]);
        let agents = [(&terminal, Target::Terminal)];
        let endings = carry_all(display, &agents, 40);
        report("xterm", &endings);
        all_arrived(&agents, 40);
    }

    fn stalling_windows_lose_double_and_fake_nothing(display) {
        let stalls = ["--stall-ms", "150"];
        let windows = [
            display.tk("tk-text", rect(20, 20, 500, 300), &[&["--kind", "text"], &stalls[..]].concat()),
            display.tk("tk-entry", rect(560, 20, 500, 300), &[&["--kind", "entry"], &stalls[..]].concat()),
            display.gtk("gtk-entry", rect(20, 450, 500, 300), &[&["--kind", "entry"], &stalls[..]].concat()),
        ];
        let agents: Vec<(&Agent, Target)> = windows.iter().map(|w| (w, Target::Chat)).collect();
        let endings = carry_all(display, &agents, 60);
        report("stalling", &endings);
        true_to_what_was_claimed(&agents, &endings);
        observed_at_least(95, &endings);
    }
}
