//! The bytes of every kind, as they were first released. A kind's bytes never change: what is
//! stored must be read for ever. `SWITCHBOARD_BLESS=1` writes the lines of new kinds, and only
//! those.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use switchboard::events::facts::agent::{
    AgentAdded, AgentChanged, AgentPaused, AgentPausedAsAsked, AgentPlaced, AgentRemoved,
    AgentResumed, BoxLearnt, Envelope, Profile, Target,
};
use switchboard::events::facts::alert::{
    AlertAcknowledged, AlertDismissed, AlertEscalated, AlertNoticed, AlertRaised, AlertResolved,
    AlertUntold, Breach, Figure as AlertFigure, Notifier, Severity,
};
use switchboard::events::facts::attempt::{
    AttemptFailed, AttemptInboxed, AttemptObserved, AttemptPasted, AttemptStarted,
    AttemptSubmitted, AttemptSubmitting, AttemptUnknown, Channel, FailureClass, Next, Step,
    StepTime, Witness,
};
use switchboard::events::facts::backup::{
    BackupCaughtUp, BackupFailed, BackupLate, BackupTaken, BackupsPruned, DrillMissed, DrillPassed,
    Kind as BackupKind, Measured, Scenario, Work,
};
use switchboard::events::facts::breaker::{BreakerClosed, BreakerOpened, BreakerProbed};
use switchboard::events::facts::ledger::{
    ClockSteppedBack, ConfigLoaded, ConfigSet, LedgerCreated, LedgerMended, LedgerRebuilt,
    LedgerRestored, Note, Setting,
};
use switchboard::events::facts::limits::{
    AgentQuarantined, AgentReleased, Excess, Limit, PairQuarantined, PairReleased,
};
use switchboard::events::facts::manners::{
    AgentMannersSet, DraftRestored, DraftSaved, Drafts, Manners, MessageModeChosen, Mode,
};
use switchboard::events::facts::message::{
    MessageAccepted, MessageAcknowledged, MessageAnswered, MessageCancelled, MessageDied,
    MessageExpired, MessageKind, MessageRead, MessageRequeued, MessageResolved, Priority, Verdict,
    Via,
};
use switchboard::events::facts::screen::{Fingerprint, Point, Rect};
use switchboard::events::facts::seat::{PauseReason, SeatPaused, SeatResumed};
use switchboard::events::facts::timing::{
    Figure, Machine, Measure, TimingBegan, TimingCalibrated, TimingDrifted, TimingMissed,
};
use switchboard::events::facts::words::{Bulk, Word};
use switchboard::events::ids::{AgentId, MessageId, SeatId};
use switchboard::events::kind::{Fact, KINDS, RETIRED};
use switchboard::events::time::Timestamp;
use uuid::Uuid;

fn message() -> MessageId {
    MessageId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001))
}

fn agent(name: &str) -> AgentId {
    name.parse().unwrap()
}

fn seat() -> SeatId {
    ":0".parse().unwrap()
}

fn word(text: &str) -> Word {
    text.parse().unwrap()
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_micros(1_738_324_800_000_000 + second * 1_000_000)
}

fn breach() -> Breach {
    Breach {
        rule: "breaker-open".to_owned(),
        subject: Some("agent-3:gui".to_owned()),
        figure: AlertFigure::BreakerOpen,
        value: 1,
        above: true,
        limit: 0,
        severity: Severity::Warning,
        since: at(7),
    }
}

fn point() -> Point {
    Point { x: -308, y: 481 }
}

fn rect() -> Rect {
    Rect {
        x: -320,
        y: 470,
        width: 600,
        height: 40,
    }
}

fn fingerprint() -> Fingerprint {
    Fingerprint {
        class: "cursor.Cursor".to_owned(),
        title: "Größe – Cursor".to_owned(),
        process: Some(4711),
        frame: rect(),
    }
}

fn steps() -> Vec<StepTime> {
    let step = |(micros, step): (u64, &Step)| StepTime {
        step: *step,
        micros,
    };
    (250..).zip(Step::ALL).map(step).collect()
}

fn profile() -> Profile {
    Profile {
        roles: vec![word("captain")],
        capabilities: vec![word("rust"), word("review")],
        channels: Channel::ALL.to_vec(),
        seat: Some(seat()),
        place: Some(point()),
        onboarding_place: Some(Point { x: 10, y: 20 }),
        window: Some("Cursor$".to_owned()),
        target: Target::Editor,
        rank: -7,
        envelope: Envelope::Stamp,
        description: "the captain".to_owned(),
        active: true,
        fingerprint: Some(fingerprint()),
    }
}

/// One sample of every kind.
fn samples() -> Vec<Fact> {
    let mut facts = messages();
    facts.extend(attempts());
    facts.extend(ledger_and_agents());
    facts.extend(copies());
    facts.extend(alerts());
    facts.extend(others());
    facts.extend(timings());
    facts.extend(limits());
    facts.extend(manners());
    facts.sort_by_key(Fact::kind);
    facts
}

fn messages() -> Vec<Fact> {
    let message = message();
    let by = agent("agent-3");
    vec![
        MessageAccepted {
            message,
            from: agent("operator"),
            to: by.clone(),
            body: "Prüfe bitte\nden Plan ✓".to_owned(),
            kind: MessageKind::AgentToAgent,
            priority: Priority::Urgent,
            tags: vec![word("captain"), word("wrapup")],
            via: Via::Gui,
            ttl_micros: Some(60_000_000),
            expires_at: Some(at(60)),
            not_before: Some(at(1)),
            reply_to: Some(MessageId(Uuid::from_u128(2))),
            broadcast: Some(Uuid::from_u128(3)),
            hops: 2,
        }
        .into(),
        MessageExpired {
            message,
            expired_at: at(60),
        }
        .into(),
        MessageCancelled {
            message,
            by: by.clone(),
        }
        .into(),
        MessageAcknowledged {
            message,
            by: by.clone(),
        }
        .into(),
        MessageAnswered {
            message,
            by: by.clone(),
            answer: MessageId(Uuid::from_u128(9)),
        }
        .into(),
        MessageRequeued {
            message,
            by: by.clone(),
            expires_at: Some(at(90)),
        }
        .into(),
        MessageResolved {
            message,
            by: by.clone(),
            verdict: Verdict::Failed,
        }
        .into(),
        MessageDied {
            message,
            attempts: 4,
            class: FailureClass::PasteNotSeen,
            detail: "nothing changed in the box".to_owned(),
        }
        .into(),
        MessageRead { message, by }.into(),
    ]
}

fn attempts() -> Vec<Fact> {
    let (message, attempt) = (message(), 2);
    vec![
        AttemptStarted {
            message,
            attempt,
            channel: Channel::Inbox,
            seat: Some(seat()),
            place: Some(point()),
            because: Some(FailureClass::DialogInTheWay),
        }
        .into(),
        AttemptPasted {
            message,
            attempt,
            changed_pixels: 812,
            needed_pixels: 24,
            read_back: true,
            sanitised: Some("2 control characters".to_owned()),
        }
        .into(),
        AttemptSubmitting { message, attempt }.into(),
        AttemptSubmitted {
            message,
            attempt,
            reason: "no eyes".to_owned(),
            steps: steps(),
        }
        .into(),
        AttemptObserved {
            message,
            attempt,
            witness: Witness::Scrolled,
            presses: 1,
            window: Some(fingerprint()),
            steps: steps(),
        }
        .into(),
        AttemptFailed {
            message,
            attempt,
            class: FailureClass::HumanActive,
            detail: "the pointer moved".to_owned(),
            text_may_stand: true,
            next: Next::Retry { at: at(5) },
            steps: steps(),
        }
        .into(),
        AttemptUnknown {
            message,
            attempt,
            reason: "cut off".to_owned(),
        }
        .into(),
        AttemptInboxed {
            message,
            attempt,
            file: "inbox/agent-3/x.md".to_owned(),
            nudge: Some(MessageId(Uuid::from_u128(5))),
        }
        .into(),
    ]
}

fn alerts() -> Vec<Fact> {
    vec![
        AlertNoticed {
            alert: "breaker-open:agent-3:gui".parse().unwrap(),
            breach: breach(),
        }
        .into(),
        AlertDismissed {
            alert: "disk-free".parse().unwrap(),
        }
        .into(),
        AlertRaised {
            alert: "breaker-open:agent-3:gui".parse().unwrap(),
            breach: breach(),
            escalate_at: Some(at(1000)),
        }
        .into(),
        AlertAcknowledged {
            alert: "breaker-open:agent-3:gui".parse().unwrap(),
            by: agent("operator"),
        }
        .into(),
        AlertEscalated {
            alert: "disk-free".parse().unwrap(),
        }
        .into(),
        AlertResolved {
            alert: "disk-free".parse().unwrap(),
            value: Some(4096),
            since: at(2000),
        }
        .into(),
        AlertUntold {
            alert: "disk-free".parse().unwrap(),
            notifier: Notifier::Webhook,
            attempts: 3,
            reason: "connection refused".to_owned(),
        }
        .into(),
    ]
}

fn copies() -> Vec<Fact> {
    let measured = Measured {
        backup: Some(Uuid::from_u128(10)),
        position: Some(1200),
        recovery_micros: 2_000_000,
        recovery_limit_micros: 3_600_000_000,
        lost_micros: 5,
        lost_limit_micros: 900_000_000,
    };
    vec![
        BackupTaken {
            backup: Uuid::from_u128(10),
            repository: Uuid::from_u128(11),
            kind: BackupKind::Differential,
            first: 900,
            last: 1200,
            stored: 40_000,
            micros: 31_000,
        }
        .into(),
        DrillPassed {
            scenario: Scenario::Corruption,
            measured: measured.clone(),
        }
        .into(),
        DrillMissed {
            scenario: Scenario::LostObject,
            measured,
            reason: "recovery took too long".to_owned(),
        }
        .into(),
        BackupFailed {
            place: "/mnt/backup/desk".to_owned(),
            work: Work::Incremental,
            attempts: 3,
            retry_at: Timestamp::from_micros(1_738_324_800_000_001),
            reason: "no room".to_owned(),
        }
        .into(),
        BackupsPruned {
            place: "/mnt/backup/desk".to_owned(),
            backups: 4,
            bytes: 1_000_000,
        }
        .into(),
        BackupLate {
            place: "/mnt/backup/desk".to_owned(),
            covered: 1200,
            since: Timestamp::from_micros(1_738_324_800_000_000),
            limit_micros: 900_000_000,
        }
        .into(),
        BackupCaughtUp {
            place: "/mnt/backup/desk".to_owned(),
            covered: 1300,
        }
        .into(),
        LedgerRestored {
            timeline: Uuid::from_u128(9),
            parent: Uuid::from_u128(8),
            fork: 1200,
            chain: "ab".repeat(32),
            backup: Uuid::from_u128(10),
            made_by: "0.1.0".to_owned(),
        }
        .into(),
    ]
}

fn ledger_and_agents() -> Vec<Fact> {
    let (agent, by) = (agent("agent-3"), agent("operator"));
    vec![
        LedgerCreated {
            ledger: Uuid::from_u128(7),
            timeline: Uuid::from_u128(8),
            made_by: "0.1.0".to_owned(),
        }
        .into(),
        LedgerRebuilt {
            events: 300,
            reason: "sled's folder is missing".to_owned(),
        }
        .into(),
        ClockSteppedBack {
            by_micros: 6_500_000,
        }
        .into(),
        LedgerMended {
            first: 17,
            last: 300,
        }
        .into(),
        AgentAdded {
            agent: agent.clone(),
            profile: profile(),
        }
        .into(),
        AgentPlaced {
            agent: agent.clone(),
            seat: seat(),
            place: point(),
            checked: true,
            fingerprint: Some(fingerprint()),
        }
        .into(),
        AgentChanged {
            agent: agent.clone(),
            profile: profile(),
        }
        .into(),
        AgentRemoved {
            agent: agent.clone(),
        }
        .into(),
        AgentPaused {
            agent: agent.clone(),
            by: by.clone(),
            reason: PauseReason::Panic,
        }
        .into(),
        AgentResumed {
            agent: agent.clone(),
            by,
        }
        .into(),
        BoxLearnt {
            agent,
            region: rect(),
            rgb: Bulk(vec![255, 254, 0, 1]),
            volatile: Bulk(vec![0, 1]),
            proven_empty: true,
        }
        .into(),
    ]
}

fn others() -> Vec<Fact> {
    let (agent, by) = (agent("agent-3"), agent("operator"));
    let channel = Channel::Gui;
    let setting = Setting {
        key: "retry.max_retries".to_owned(),
        value: "3".to_owned(),
        origin: "switchboard.toml".to_owned(),
    };
    vec![
        SeatPaused {
            seat: Some(seat()),
            by: by.clone(),
            reason: PauseReason::HumanActive,
        }
        .into(),
        SeatResumed { seat: None, by }.into(),
        BreakerOpened {
            agent: agent.clone(),
            channel,
            failures: 5,
            until: at(30),
        }
        .into(),
        BreakerProbed {
            agent: agent.clone(),
            channel,
            message: message(),
        }
        .into(),
        BreakerClosed { agent, channel }.into(),
        ConfigLoaded {
            settings: vec![setting],
        }
        .into(),
        ConfigSet {
            key: "retry.max_retries".to_owned(),
            value: Some("5".to_owned()),
        }
        .into(),
        Note {
            word: "plan".to_owned(),
            data: r#"{"step":1}"#.to_owned(),
        }
        .into(),
    ]
}

fn manners() -> Vec<Fact> {
    let message = MessageId(Uuid::from_u128(7));
    vec![
        MessageModeChosen {
            message,
            mode: Mode::WhenIdle,
        }
        .into(),
        DraftSaved {
            message,
            attempt: 2,
            agent: agent("agent-3"),
            text: "half a thought".to_owned(),
        }
        .into(),
        DraftRestored {
            message,
            attempt: 2,
        }
        .into(),
        AgentMannersSet {
            agent: agent("agent-3"),
            by: AgentId::operator(),
            manners: Manners {
                mode: Mode::WhenIdle,
                idle_micros: 2_000_000,
                drafts: Drafts::SaveAndRestore,
            },
        }
        .into(),
    ]
}

fn limits() -> Vec<Fact> {
    let excess = |limit, span_micros| Excess {
        limit,
        count: 301,
        allowed: 300,
        span_micros,
    };
    let (first, second) = (agent("agent-3"), agent("agent-4"));
    let by = AgentId::operator();
    vec![
        AgentQuarantined {
            agent: first.clone(),
            excess: excess(Limit::Rate, 60_000_000),
        }
        .into(),
        AgentReleased {
            agent: first.clone(),
            by: by.clone(),
        }
        .into(),
        PairQuarantined {
            first: first.clone(),
            second: second.clone(),
            excess: excess(Limit::Hops, 0),
        }
        .into(),
        PairReleased { first, second, by }.into(),
    ]
}

fn timings() -> Vec<Fact> {
    vec![
        TimingCalibrated {
            seat: seat(),
            agent: Some(agent("agent-3")),
            by: AgentId::operator(),
            figures: vec![Figure {
                measure: Measure::PasteVisible,
                samples: 12,
                median_micros: 4_200,
                max_micros: 9_900,
            }],
            machine: Machine {
                cores: 2,
                load_per_mille: 750,
                memory_kib: 8_388_608,
                memory_free_kib: 4_194_304,
                disk_free_kib: 10_485_760,
                disk_sync_micros: 3_100,
            },
        }
        .into(),
        TimingBegan {
            seat: seat(),
            agent: agent("agent-3"),
            by: AgentId::operator(),
            text: "measuring".to_owned(),
        }
        .into(),
        TimingMissed {
            seat: seat(),
            agent: agent("agent-3"),
            class: FailureClass::DraftInTheWay,
            detail: "the box holds somebody's unfinished words".to_owned(),
            text_may_stand: false,
        }
        .into(),
        TimingDrifted {
            agent: agent("agent-3"),
            step: Step::Paste,
            before_micros: 8_000,
            now_micros: 90_000,
            attempts: 16,
        }
        .into(),
    ]
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/kinds.hex")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
        .collect()
}

/// Number and name → bytes.
fn golden() -> BTreeMap<u16, (String, String)> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    text.lines()
        .map(|line| {
            let mut fields = line.split(' ');
            let mut field = || fields.next().expect("number, name and bytes").to_owned();
            (field().parse().unwrap(), (field(), field()))
        })
        .collect()
}

#[test]
fn every_kind_has_its_golden_bytes_for_ever() {
    let mut golden = golden();
    let bless = std::env::var_os("SWITCHBOARD_BLESS").is_some();
    let samples = samples();
    let kinds: Vec<u16> = samples.iter().map(Fact::kind).collect();
    let registered: Vec<u16> = KINDS.iter().map(|(number, _)| *number).collect();
    assert_eq!(kinds, registered, "every kind has one sample here");
    for fact in samples {
        let (kind, bytes) = (fact.kind(), fact.encode().unwrap());
        let name = KINDS
            .iter()
            .find(|(number, _)| *number == kind)
            .unwrap()
            .1
            .to_owned();
        if bless && !golden.contains_key(&kind) {
            golden.insert(kind, (name.clone(), hex(&bytes)));
        }
        let (known, stored) = golden.get(&kind).unwrap_or_else(|| {
            panic!("{kind} {name} has no golden bytes; SWITCHBOARD_BLESS=1 writes them, once")
        });
        assert_eq!(
            (known, stored),
            (&name, &hex(&bytes)),
            "{name} is frozen: make a new kind"
        );
        assert_eq!(Fact::decode(kind, &unhex(stored)).unwrap(), fact);
    }
    assert_eq!(
        golden.len(),
        KINDS.len() + RETIRED.len(),
        "a kind was taken out of the register"
    );
    if bless {
        let lines = golden
            .iter()
            .map(|(kind, (name, bytes))| format!("{kind} {name} {bytes}\n"));
        std::fs::create_dir_all(file().parent().unwrap()).unwrap();
        std::fs::write(file(), lines.collect::<String>()).unwrap();
    }
}

/// A retired kind is read for ever, as the shape that took its place; nothing writes it.
#[test]
fn a_retired_kind_is_read_as_what_took_its_place() {
    let golden = golden();
    let by = AgentId::operator();
    let old = AgentPausedAsAsked {
        agent: agent("agent-3"),
        by: by.clone(),
    };
    let now: Fact = AgentPaused {
        agent: agent("agent-3"),
        by,
        reason: PauseReason::Asked,
    }
    .into();
    for (number, name) in RETIRED {
        assert_eq!(
            (*number, *name),
            (304, "agent.paused"),
            "a sample is missing here"
        );
        let (known, stored) = golden.get(number).expect("its golden bytes stay");
        let bytes = switchboard::events::codec::encode(&old).unwrap();
        assert_eq!((known.as_str(), stored), (*name, &hex(&bytes)));
        let fact = Fact::decode(*number, &unhex(stored)).unwrap();
        assert_eq!(fact, now);
        assert_eq!((fact.kind(), fact.name().as_str()), (306, *name));
    }
}

/// Words are stored as their number in the enum: the order is as frozen as the structs.
#[test]
fn words_keep_their_numbers() {
    fn numbers<T: Copy + serde::Serialize + std::fmt::Display>(all: &[T]) -> String {
        let number = |value: &T| {
            let bytes = switchboard::events::codec::encode(value).unwrap();
            format!("{}={value}", hex(&bytes))
        };
        all.iter().map(number).collect::<Vec<_>>().join(" ")
    }
    let check = |found: String, known: &str| assert!(found.starts_with(known), "{found}");
    check(numbers(Channel::ALL), "00=gui 01=inbox");
    check(numbers(Priority::ALL), "00=normal 01=urgent 02=critical");
    check(numbers(Via::ALL), "00=auto 01=gui 02=inbox");
    check(numbers(Verdict::ALL), "00=delivered 01=failed");
    check(numbers(Target::ALL), "00=chat 01=editor 02=terminal");
    check(numbers(Envelope::ALL), "00=none 01=stamp 02=header");
    check(
        numbers(Witness::ALL),
        "00=box_emptied 01=scrolled 02=transcript_ink",
    );
    check(
        numbers(PauseReason::ALL),
        "00=asked 01=panic 02=human_active 03=restored",
    );
    check(
        numbers(MessageKind::ALL),
        "00=text 01=agent-to-agent 02=system 03=broadcast 04=onboarding",
    );
    check(
        numbers(Step::ALL),
        "00=preflight 01=focus 02=baseline 03=clipboard 04=paste 05=settle 06=submit 07=restore",
    );
    check(
        numbers(FailureClass::ALL),
        "00=target_not_found 01=target_moved 02=focus_failed 03=window_busy \
         04=dialog_in_the_way 05=draft_in_the_way 06=paste_not_seen 07=submit_not_seen \
         08=clipboard_lost 09=human_active 0a=display_gone 0b=permission 0c=invalid \
         0d=interrupted 0e=breaker_open 0f=inbox_failed 10=paused 11=misdirected \
         12=agent_busy",
    );
    let nexts = [
        Next::Retry {
            at: Timestamp::EPOCH,
        },
        Next::Fallback { to: Channel::Gui },
        Next::Dead,
    ];
    let bytes = nexts.map(|next| hex(&switchboard::events::codec::encode(&next).unwrap()));
    assert_eq!(bytes, ["0000", "0100", "02"]);
}

/// The register in docs/ledger-format.md is the register in the code.
#[test]
fn the_documented_register_is_the_real_one() {
    let doc = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ledger-format.md");
    let text = std::fs::read_to_string(doc).unwrap();
    let (_, register) = text.split_once("## Register of kinds").unwrap();
    let documented: Vec<(u16, String)> = register
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let number = cells.next()?.trim().parse().ok()?;
            Some((number, cells.next()?.trim().trim_matches('`').to_owned()))
        })
        .collect();
    let mut real: Vec<(u16, String)> = KINDS
        .iter()
        .chain(RETIRED)
        .map(|(number, name)| (*number, (*name).to_owned()))
        .collect();
    real.sort_unstable();
    assert_eq!(documented, real);
}

proptest! {
    /// Whatever stands on the disk, reading it answers.
    #[test]
    fn decoding_any_bytes_never_panics(
        kind in proptest::sample::select(KINDS.iter().map(|kind| kind.0).collect::<Vec<_>>()),
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Ok(fact) = Fact::decode(kind, &bytes) {
            prop_assert_eq!(Fact::decode(kind, &fact.encode().unwrap()).unwrap(), fact);
        }
    }

    /// A golden fact with one byte changed: another fact, or an error.
    #[test]
    fn decoding_damaged_facts_never_panics(at in any::<proptest::sample::Index>(), byte: u8) {
        for fact in samples() {
            let mut bytes = fact.encode().unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(fact) = Fact::decode(fact.kind(), &bytes) {
                fact.to_json();
                fact.encode().unwrap();
            }
        }
    }
}
