//! One rehearsal drawn from a seed: windows, messages, faults, crashes, and people who meddle.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::dice::Dice;
use super::theatre::Cut;
use super::window::{Habit, SimulatedWindow};
use super::world::{Fault, World};
use crate::delivery::ports::Clip;
use crate::delivery::rehearsal::meddling::{Meddling, Sent};
use crate::events::facts::agent::{Envelope, Profile, Target};
use crate::events::facts::attempt::Channel;
use crate::events::facts::message::{Priority, Verdict, Via};
use crate::events::facts::screen::{Point, Rect};
use crate::events::ids::{AgentId, MessageId, NotAName, SeatId};

/// How many agents there are; the first is the one that suffers.
const AGENTS: u64 = 2;

/// Everything that was drawn.
#[derive(Clone, Debug)]
pub struct Script {
    /// The desktop as it is at first, its faults not yet in it.
    pub world: World,
    /// The agents, and their windows.
    pub agents: Vec<(AgentId, Profile, u64)>,
    /// A first message on a quiet desktop, which teaches how the box looks.
    pub lesson: Option<Sent>,
    /// What is sent.
    pub sent: Vec<Sent>,
    /// What goes wrong before which deed, counted from the lesson's end.
    pub faults: Vec<(u32, Fault)>,
    /// What people do.
    pub meddling: BTreeMap<u32, Meddling>,
    /// What is cut off.
    pub cuts: BTreeMap<u32, Cut>,
    /// What stands in the first window's box, which nobody sent.
    pub draft: Option<String>,
    /// Whether jobs go through JSON.
    pub by_wire: bool,
    /// What kind of program the first window is.
    pub target: Target,
}

/// The one seat of a rehearsal.
pub fn seat() -> Result<SeatId, NotAName> {
    ":simulated".parse()
}

impl Script {
    /// The script of a seed, the same on every machine.
    pub fn drawn(seed: u64) -> Result<Self, NotAName> {
        let mut dice = Dice(seed);
        let target = match dice.roll(4) {
            0 => Target::Terminal,
            1 => Target::Editor,
            _ => Target::Chat,
        };
        let agents = agents(&mut dice, target)?;
        let world = world(seed, &mut dice, target);
        let lesson = dice
            .chance(60)
            .then(|| message(seed, 0, &agents, &mut dice));
        let lesson = lesson.flatten().map(|sent| Sent {
            body: "a first word".to_owned(),
            priority: Priority::Normal,
            via: Via::Auto,
            ttl_micros: None,
            ..sent
        });
        let sent: Vec<Sent> = (1..=1 + dice.roll(3))
            .filter_map(|number| message(seed, number, &agents, &mut dice))
            .collect();
        let late = dice.chance(30);
        let faults = (0..dice.roll(5))
            .map(|_| (dice.small(if late { 500 } else { 60 }), fault(&mut dice)))
            .collect();
        Ok(Self {
            faults,
            meddling: meddling(&mut dice, &sent)?,
            cuts: cuts(&mut dice),
            draft: (target != Target::Terminal && dice.chance(5))
                .then(|| "half a thought".to_owned()),
            by_wire: dice.chance(10),
            world,
            agents,
            lesson,
            sent,
            target,
        })
    }
}

fn frame(x: i32) -> Rect {
    Rect {
        x,
        y: 100,
        width: 240,
        height: 80,
    }
}

fn agents(dice: &mut Dice, target: Target) -> Result<Vec<(AgentId, Profile, u64)>, NotAName> {
    let both = dice.chance(80);
    let mut agents = Vec::new();
    for (window, x) in (1..=AGENTS).zip([100, 600]) {
        let name: AgentId = format!("agent-{window}").parse()?;
        let target = if window == 1 { target } else { Target::Chat };
        let profile = Profile {
            roles: Vec::new(),
            capabilities: Vec::new(),
            channels: if both {
                vec![Channel::Gui, Channel::Inbox]
            } else {
                vec![Channel::Gui]
            },
            seat: Some(seat()?),
            place: Some(Point { x: x + 80, y: 155 }),
            onboarding_place: None,
            window: Some(name.to_string()),
            target,
            rank: 0,
            envelope: if dice.chance(20) {
                Envelope::Stamp
            } else {
                Envelope::None
            },
            description: String::new(),
            active: true,
            fingerprint: None,
        };
        agents.push((name, profile, window));
    }
    Ok(agents)
}

fn world(seed: u64, dice: &mut Dice, target: Target) -> World {
    let habit = match target {
        Target::Chat | Target::Editor => Habit::Chat,
        Target::Terminal => Habit::Terminal,
    };
    let mut window = SimulatedWindow::new(1, habit, "agent-1", frame(100));
    window.reaction = Duration::from_micros(500 + dice.roll(20_000));
    window.ctrl_a_selects = dice.chance(50);
    window.line_end = !window.ctrl_a_selects && dice.chance(50);
    if dice.chance(30) {
        "Ask anything".clone_into(&mut window.placeholder);
    }
    if dice.chance(50) {
        window.transcript = vec!["earlier".to_owned(); 3];
    }
    if dice.chance(40) {
        window.fade = Duration::from_millis(dice.roll(250));
    }
    if target == Target::Terminal {
        let mut more = Dice(seed.wrapping_mul(0x9e37_79b9).wrapping_add(1));
        window.reverses = more.chance(50);
        window.status = more.chance(50).then(|| "0:sh       12:01".to_owned());
        if more.chance(50) {
            window.transcript = (0..9).map(|line| format!("$ earlier {line}")).collect();
        }
    }
    let neighbour = SimulatedWindow::new(2, Habit::Chat, "agent-2", frame(600));
    let mut world = World::new(vec![window, neighbour], Vec::new());
    world.click_grab = Duration::from_millis(dice.roll(8));
    world.clip = match dice.roll(3) {
        0 => Clip::Empty,
        1 => Clip::Other,
        _ => Clip::Text("what a person copied".to_owned()),
    };
    world
}

fn message(
    seed: u64,
    number: u64,
    agents: &[(AgentId, Profile, u64)],
    dice: &mut Dice,
) -> Option<Sent> {
    let other = number > 1 && dice.chance(30);
    let (to, ..) = agents.get(usize::from(other))?;
    let body = match dice.roll(6) {
        0 => "ok".to_owned(),
        1 => "ünïcödé ✓ and a longer line that does not fit into the box at all, no".to_owned(),
        _ => format!("message number {number} of {seed} says hello"),
    };
    Some(Sent {
        message: MessageId(Uuid::from_u128(
            (u128::from(seed) << 64) | u128::from(number),
        )),
        to: to.clone(),
        body,
        priority: match dice.roll(4) {
            0 => Priority::Urgent,
            1 => Priority::Critical,
            _ => Priority::Normal,
        },
        via: if dice.chance(15) { Via::Gui } else { Via::Auto },
        ttl_micros: dice.chance(15).then(|| 50_000 + dice.roll(20_000_000)),
    })
}

fn fault(dice: &mut Dice) -> Fault {
    match dice.roll(23) {
        0 | 1 => Fault::Stall(Duration::from_millis(dice.roll(150))),
        2 => Fault::Stall(Duration::from_millis(dice.roll(9_000))),
        3 => Fault::FocusTheft,
        4 => Fault::Modal,
        5 => Fault::ModalBeside,
        6 => Fault::ClipboardThief,
        7 => Fault::Moved,
        8 => Fault::Closed,
        9 => Fault::PasteLost,
        10 => Fault::EnterSwallowed,
        11 => Fault::EnterDoubled,
        12 => Fault::PersonTypes,
        13 => Fault::PersonMoves,
        14 => Fault::Output,
        15 => Fault::SlowClipboard(Duration::from_millis(dice.roll(40))),
        16 => Fault::Frozen,
        17 => Fault::Covered,
        18 | 19 => Fault::SlowPaste(Duration::from_millis(dice.roll(200))),
        20 => Fault::Completes,
        21 => Fault::EnterEater,
        _ => Fault::Discarded,
    }
}

fn meddling(dice: &mut Dice, sent: &[Sent]) -> Result<BTreeMap<u32, Meddling>, NotAName> {
    let mut drawn = BTreeMap::new();
    let times = if dice.chance(60) { 0 } else { 1 + dice.roll(3) };
    for _ in 0..times {
        let which = usize::try_from(dice.roll(3)).unwrap_or(0) % sent.len().max(1);
        let Some(sent) = sent.get(which) else { break };
        let meddling = match dice.roll(8) {
            0 => Meddling::Cancel(sent.message),
            1 => Meddling::Requeue(sent.message),
            2 => Meddling::Resolve(sent.message, Verdict::Delivered),
            3 => Meddling::Resolve(sent.message, Verdict::Failed),
            4 => Meddling::Acknowledge(sent.message, sent.to.clone()),
            5 => Meddling::Pause(seat()?),
            6 => Meddling::Panic,
            _ => Meddling::Resume,
        };
        drawn.insert(dice.small(24), meddling);
    }
    Ok(drawn)
}

fn cuts(dice: &mut Dice) -> BTreeMap<u32, Cut> {
    let mut cuts = BTreeMap::new();
    if dice.chance(35) {
        let cut = if dice.chance(50) {
            Cut::Worker
        } else {
            Cut::Owner
        };
        cuts.insert(dice.small(120), cut);
        if dice.chance(20) {
            cuts.insert(dice.small(300), Cut::Owner);
        }
    }
    cuts
}
