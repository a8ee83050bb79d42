//! The X11 desktop against real windows on a real X server.

use switchboard::adapters::desktop::x11::desktop::X11Desktop;
use switchboard::delivery::ports::{Act, Clip, Desktop as _, Survey, Window};
use switchboard::events::facts::screen::{Point, Rect};

use crate::display::{Display, on_a_display, rect, until};

/// 226 characters from many scripts, two of them outside the basic plane.
fn unicode_226() -> String {
    let words = "Grüße ✓ naïve — 日本語テスト 한국어 Ελληνικά Кириллица عربى 𝄞🙂 €¥£ ";
    words.chars().cycle().take(226).collect()
}

fn open(display: &Display) -> X11Desktop {
    X11Desktop::open(&display.name).unwrap()
}

fn press(desktop: &mut X11Desktop, chord: &str) {
    desktop.act(&Act::Press(chord.parse().unwrap())).unwrap();
}

fn titled<'a>(survey: &'a Survey, title: &str) -> Option<&'a Window> {
    let mut windows = survey.windows.iter();
    windows.find(|window| window.fingerprint.title == title)
}

fn around(at: Point) -> Rect {
    rect(at.x - 100, at.y - 20, 200, 40)
}

fn focus_by_click(desktop: &mut X11Desktop, at: Point) {
    desktop.act(&Act::Click(at)).unwrap();
    until("the clicked window has the focus", || {
        let survey = desktop.survey(at).unwrap();
        survey.under.is_some() && survey.focus == survey.under
    });
}

on_a_display! {
    fn a_survey_sees_windows_in_their_order_and_what_is_under_a_point(display) {
        let below = display.tk("below", rect(100, 100, 400, 300), &[]);
        let above = display.gtk("above", rect(300, 200, 400, 300), &[]);
        let mut desktop = open(display);
        let survey = desktop.survey(below.at).unwrap();
        assert_eq!(survey.monitors, [rect(0, 0, 1280, 900)]);
        let titles: Vec<&str> = survey.windows.iter().map(|w| w.fingerprint.title.as_str()).collect();
        assert_eq!(titles, ["below", "above"], "{:#?}", survey.windows);
        let low = titled(&survey, "below").unwrap();
        assert_eq!(low.fingerprint.process, Some(below.process.0.id()));
        assert_eq!(low.fingerprint.class, "switchboardAgent.Switchboardagent");
        assert!(low.fingerprint.frame.contains(below.at));
        assert!(!low.transient);
        let high = titled(&survey, "above").unwrap();
        assert_eq!(survey.focus, Some(high.id));
        assert_eq!(desktop.survey(above.at).unwrap().under, Some(high.id));
        let nowhere = desktop.survey(Point { x: 1270, y: 890 }).unwrap();
        assert_eq!(nowhere.under, None);
        assert!(!survey.held && !survey.grabbed && !survey.person);

        // A click raises and focuses, and the order follows.
        focus_by_click(&mut desktop, below.at);
        let survey = desktop.survey(below.at).unwrap();
        assert_eq!(survey.windows.last().unwrap().fingerprint.title, "below");
        assert_eq!(survey.pointer, below.at);
        assert!(!survey.person, "our own click is not a person");
    }

    fn a_paste_is_seen_on_the_screen_and_arrives_intact(display) {
        let text = unicode_226();
        let windows = [
            display.tk("tk-text", rect(20, 20, 400, 300), &["--kind", "text"]),
            display.tk("tk-entry", rect(440, 20, 400, 300), &["--kind", "entry"]),
            display.gtk("gtk-text", rect(20, 400, 400, 300), &["--kind", "text"]),
            display.gtk("gtk-entry", rect(440, 400, 400, 300), &["--kind", "entry"]),
        ];
        let mut desktop = open(display);
        for window in &windows {
            focus_by_click(&mut desktop, window.at);
            let before = desktop.capture(around(window.at)).unwrap();
            assert_eq!(before.rgb.len(), 200 * 40 * 3);
            desktop.set_clipboard(&Clip::Text(text.clone())).unwrap();
            assert_eq!(desktop.clipboard().unwrap(), Clip::Text(text.clone()));
            press(&mut desktop, "ctrl+v");
            until("the paste is seen", || {
                let after = desktop.capture(around(window.at)).unwrap();
                let differing = before.rgb.chunks(3).zip(after.rgb.chunks(3));
                differing.filter(|(a, b)| a != b).count() > 200
            });
            press(&mut desktop, "enter");
            until("it was submitted", || !window.received().is_empty());
            assert_eq!(window.received(), [text.as_str()], "{}", window.name);
        }
    }
}
