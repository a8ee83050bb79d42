//! The dashboard: every page on the running binary, with an agent that fails, letters, a backup, and
//! names and words that would like to be markup.

use serde_json::Value;
use switchboard::api::web::routes::PAGES;

use super::api_kit::{Reply, Web, problem};

/// Words that break out of whatever does not hold them.
const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&<b>";

const BROWSER: &[(&str, &str)] = &[("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];

/// Everything that happened, and when it was still well.
struct Scene {
    web: Web,
    /// The message that did not arrive.
    lost: String,
    /// A letter with hostile words.
    letter: String,
    /// The position before anything failed.
    well: u64,
    /// When the last event of that time was recorded.
    well_at: String,
    backup: Value,
}

impl Scene {
    /// `failing` has a window that is not there; `scribe` gets letters.
    fn new() -> Self {
        let web = Web::new();
        let desk = &web.desk;
        desk.must(&[
            "agent",
            "add",
            "scribe",
            "--channel",
            "inbox",
            "--description",
            HOSTILE,
        ]);
        let letter = desk.must(&[
            "send", "--to", "scribe", "--via", "inbox", "--tag", "wrapup", HOSTILE,
        ]);
        let place = ["--seat", ":99", "--at=-308,481", "--channel", "gui"];
        desk.must(&[&["agent", "add", "failing"][..], &place].concat());
        let repository = desk.store().join("../repository");
        let backup = desk.must(&["backup", "full", "--repo", repository.to_str().unwrap()]);
        let well = web.head();
        let events = web.items(&format!("/api/v1/events?from={well}"));
        let well_at = events[0]["recorded_at"].as_str().unwrap().to_owned();
        // No window is there: every attempt fails, and then it is dead.
        let sent = desk.run(&["send", "--to", "failing", "--timeout", "50s", "never seen"]);
        assert_ne!(sent.code, 0, "{sent:?}");
        let lost = sent.items()[0]["message"].as_str().unwrap().to_owned();
        desk.must(&["pause", "scribe"]);
        let held = [
            "send",
            "--to",
            "scribe",
            "--wait",
            "accepted",
            "--priority",
            "urgent",
            "for later",
        ];
        desk.must(&held);
        Self {
            lost,
            letter: letter["message"].as_str().unwrap().to_owned(),
            well,
            well_at,
            backup,
            web,
        }
    }

    /// A page as a browser gets it.
    fn page(&self, target: &str) -> String {
        let reply = self.web.ask("GET", target, BROWSER);
        assert_eq!(reply.status, 200, "{target}: {}", reply.text());
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{target}"
        );
        is_sound(target, &reply);
        reply.text()
    }

    /// Where a route of the dashboard leads here.
    fn target(&self, path: &str) -> String {
        let id = if path.starts_with("/messages") {
            &self.lost
        } else {
            "failing"
        };
        path.replace("{id}", id)
    }
}

/// What every page keeps to.
fn is_sound(target: &str, reply: &Reply) {
    let text = reply.text();
    let policy = reply.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    for outside in [
        "http:",
        "https:",
        "src=\"//",
        "href=\"//",
        "<script>",
        " style=",
        " onclick=",
        " onerror=\"",
        "javascript:",
    ] {
        assert!(!text.contains(outside), "{target}: {outside}");
    }
    assert!(
        !text.contains("<img") && !text.contains("<b>"),
        "{target}: somebody's markup"
    );
    assert_eq!(text.matches("<h1>").count(), 1, "{target}");
    for part in [
        "<html lang=\"en\">",
        "href=\"#content\"",
        "<main id=\"content\"",
        "<header>",
        "<footer>",
    ] {
        assert!(text.contains(part), "{target}: {part}");
    }
    assert!(text.len() < 300_000, "{target}: {} bytes", text.len());
}

/// The text of the element with an id, tags left out, blanks joined.
fn part(page: &str, id: &str) -> String {
    let from = page
        .find(&format!("id=\"{id}\""))
        .unwrap_or_else(|| panic!("no #{id} in {page}"));
    let rest = &page[from..];
    let rest = &rest[rest.find('>').unwrap() + 1..];
    words(&rest[..rest.find("</section>").unwrap()])
}

fn words(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(text: &str, wanted: &[&str]) {
    for it in wanted {
        assert!(text.contains(it), "{it:?} is not in {text}");
    }
}

#[test]
fn every_page_answers_and_the_overview_has_the_facts() {
    let scene = Scene::new();
    let failure = scene.web.desk.must(&["show", &scene.lost])["failure"].clone();
    let class = failure["class"].as_str().unwrap();
    for route in PAGES.iter().filter(|it| !it.path.starts_with("/assets/")) {
        scene.page(&scene.target(route.path));
    }
    let overview = scene.page("/");
    says(
        &part(&overview, "figures"),
        &[
            "Success rate, 24 h 0.0 %",
            "Dead 1",
            "Queued 1",
            "Arrived, 24 h 0 1 to inboxes, 3 accepted",
        ],
    );
    says(
        &part(&overview, "health"),
        &[
            "degraded",
            "0 of unknown outcome, 1 dead",
            "the ledger takes writes",
        ],
    );
    says(&part(&overview, "errors"), &[class]);
    says(
        &part(&overview, "fleet"),
        &["failing", "in a row", "scribe paused"],
    );
    let ill = overview
        .find("class=\"ill\"")
        .expect("one that fails is marked");
    assert!(
        words(&overview[ill..]).contains("failing"),
        "it comes first"
    );
    assert!(
        !overview.contains("id=\"alerts\""),
        "nothing is known of alerts"
    );
}

#[test]
fn every_other_page_has_facts_of_its_own() {
    let scene = Scene::new();
    let failure = scene.web.desk.must(&["show", &scene.lost])["failure"].clone();
    let (class, detail) = (
        failure["class"].as_str().unwrap(),
        failure["detail"].as_str().unwrap(),
    );
    says(
        &part(&scene.page("/agents"), "screen"),
        &["Seat :99", "failing", "-308, 481"],
    );
    let agent = scene.page("/agents/failing");
    says(&part(&agent, "failures"), &[class, detail]);
    says(&part(&agent, "day"), &["Success rate 0.0 %", "Gave up 1"]);
    says(&part(&scene.page("/errors"), "agents"), &["failing"]);
    says(&part(&scene.page("/errors"), "classes"), &[class]);
    says(
        &part(&scene.page("/queue"), "queue"),
        &["scribe", "urgent", "accepted"],
    );
    says(&part(&scene.page("/inbox"), "inboxes"), &["scribe 1 1"]);
    says(
        &part(&scene.page("/inbox?agent=scribe"), "inbox"),
        &["operator", "inboxed", "unread", "&lt;img src=x"],
    );
    let restorable = scene.backup["last_at"].as_str().unwrap();
    let backups = scene.page("/backups");
    assert!(
        backups.contains(&format!("datetime=\"{restorable}\"")),
        "{restorable} is not in {backups}"
    );
    says(
        &part(&backups, "clock"),
        &[
            "Would be lost",
            "Last restorable moment",
            "Last drill never",
        ],
    );
    says(
        &part(&backups, "backups"),
        &["full", scene.backup["id"].as_str().unwrap()],
    );
    says(
        &part(&scene.page("/projections"), "projections"),
        &["agents@1 live", "outbox@", "conduct@1 live"],
    );
    says(
        &part(&scene.page("/config"), "changed"),
        &["serve.listen", "flag --listen"],
    );
    says(
        &part(&scene.page("/events"), "events-list"),
        &["message.accepted", "agent.paused", "attempt.failed"],
    );
}

#[test]
fn a_message_tells_why_it_did_not_arrive_and_what_can_be_done() {
    let scene = Scene::new();
    let failure = scene.web.desk.must(&["show", &scene.lost])["failure"].clone();
    let page = scene.page(&format!("/messages/{}", scene.lost));
    let why = format!(
        "Why it did not arrive: {} , {}",
        failure["class"].as_str().unwrap(),
        failure["detail"].as_str().unwrap()
    );
    says(
        &part(&page, "outcome"),
        &["dead", "Every way was tried.", &why],
    );
    let told = scene.web.desk.run(&["why", &scene.lost]).items();
    let heard = part(&page, "story");
    for line in &told {
        let at = format!(
            "{} at {}",
            line["event"].as_str().unwrap(),
            line["position"]
        );
        says(&heard, &[&at]);
    }
    says(
        &heard,
        &[
            "accepted from operator to failing",
            "attempt 1 failed: ",
            "dead after ",
        ],
    );
    let store = scene.web.desk.store();
    let command = format!(
        "switchboard --store {} requeue {}",
        store.display(),
        scene.lost
    );
    says(&page, &[&format!("data-copy=\"{command}\"")]);
    // The command is exact: run as it stands, it does what it says.
    let line: Vec<&str> = command.split(' ').skip(3).collect();
    scene.web.desk.must(&line);
    let again = scene.page(&format!("/messages/{}", scene.lost));
    says(&part(&again, "story"), &["queued again by operator"]);
    let letter = scene.page(&format!("/messages/{}", scene.letter));
    says(
        &part(&letter, "words"),
        &["&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;"],
    );
}

#[test]
fn every_page_goes_back_in_time_and_keeps_the_moment_in_its_links() {
    let scene = Scene::new();
    for as_of in [scene.well.to_string(), scene.well_at.clone()] {
        for route in PAGES.iter().filter(|it| !it.path.starts_with("/assets/")) {
            if route.path == "/messages/{id}" {
                continue;
            }
            let target = format!("{}?as_of={as_of}", scene.target(route.path));
            let page = scene.page(&target);
            says(
                &page,
                &["class=\"moment past\"", "As it was", "Back to now"],
            );
            assert!(
                !page.contains("data-live"),
                "{target} would change by itself"
            );
            assert!(
                !page.contains(&scene.lost),
                "{target} tells what came later"
            );
            let links = page.matches("href=\"/").count() - page.matches("href=\"/assets").count();
            assert!(
                page.matches(&format!("as_of={as_of}\"")).count() > 8,
                "{target}: of {links} links few stay in the past"
            );
        }
    }
    let then = scene.page(&format!("/?as_of={}", scene.well));
    says(
        &part(&then, "figures"),
        &["Success rate, 24 h –", "Dead 0", "Queued 0"],
    );
    says(&part(&then, "fleet"), &["scribe ready", "failing ready"]);
    says(&part(&then, "errors"), &["No attempt failed"]);
    assert!(!then.contains("class=\"ill\""));
    let replayed = scene
        .web
        .desk
        .must(&["replay", "--as-of", &scene.well.to_string()]);
    assert_eq!(replayed["position"], scene.well);
    // A form sends an instant without a zone, and blanks.
    let typed = format!(
        "/?as_of={}&ago=",
        scene.well_at.get(..19).unwrap().replace(':', "%3A")
    );
    says(&scene.page(&typed), &["class=\"moment past\""]);
    // An hour ago there was nothing yet.
    says(
        &part(&scene.page("/agents?ago=60"), "fleet"),
        &["No agent yet"],
    );
    let gone = scene.web.ask(
        "GET",
        &format!("/messages/{}?as_of={}", scene.lost, scene.well),
        BROWSER,
    );
    assert_eq!(gone.status, 404);
    let beyond = scene
        .web
        .ask("GET", "/?as_of=2999-01-01T00:00:00Z", BROWSER);
    assert_eq!(beyond.status, 400);
    assert!(beyond.text().contains("beyond_head"), "{}", beyond.text());
}

#[test]
fn filters_and_pages_of_lists_stand_in_the_address() {
    let scene = Scene::new();
    let short = |id: &str| id.get(24..).unwrap().to_owned();
    let (lost, letter) = (short(&scene.lost), short(&scene.letter));
    for (target, there, away) in [
        ("/messages?to=failing", &lost, &letter),
        (
            "/messages?to=scribe&from=&tag=&text=&state=",
            &letter,
            &lost,
        ),
        ("/messages?state=dead", &lost, &letter),
        ("/messages?tag=wrapup", &letter, &lost),
        ("/messages?text=onerror", &letter, &lost),
        (&format!("/messages?text={}", scene.lost), &lost, &letter),
    ] {
        let rows = part(&scene.page(target), "messages");
        assert!(
            rows.contains(there.as_str()) && !rows.contains(away.as_str()),
            "{target}: {rows}"
        );
    }
    says(
        &scene.page("/messages?text=%22%3E%3Cimg"),
        &["value=\"&quot;&gt;&lt;img\""],
    );
    let events = scene.page("/events?kind=attempt.*");
    assert!(!part(&events, "events-list").contains("message.accepted"));
    let stream = scene.page(&format!("/events?stream=message/{}", scene.lost));
    assert!(!part(&stream, "events-list").contains("agent.added"));
    // More than a page: the next one goes on where the first one ends.
    for number in 0..55 {
        let text = format!("number {number}");
        scene
            .web
            .desk
            .must(&["send", "--to", "scribe", "--wait", "accepted", &text]);
    }
    for (path, first, id) in [
        ("/messages", "number 54", "messages"),
        ("/events", "agent scribe", "events-list"),
    ] {
        let page = scene.page(path);
        let next = page
            .split("rel=\"next\" href=\"")
            .nth(1)
            .expect("there is more");
        let next = next.split('"').next().unwrap().replace("&amp;", "&");
        let older = scene.page(&next);
        let (here, there) = (part(&page, id), part(&older, id));
        assert!(
            here != there && !(here.contains(first) && there.contains(first)),
            "{path} {next}"
        );
        assert!(older.contains("Newest"), "there is a way back");
    }
    let both: String = ["/messages", "/messages?state=accepted&to=scribe"]
        .map(|it| scene.page(it))
        .concat();
    assert!(both.contains("number 54"));
}

#[test]
fn who_comes_with_a_browser_gets_problems_as_pages() {
    let scene = Scene::new();
    for (target, status, code) in [
        ("/nowhere", 404, "no_such_route"),
        ("/agents/nobody", 404, "unknown_agent"),
        (
            "/messages/00000000-0000-7000-8000-000000000000",
            404,
            "unknown_message",
        ),
        ("/messages/x", 400, "malformed_parameter"),
        ("/messages?nonsense=1", 400, "unknown_parameter"),
        ("/messages?cursor=%3Cimg%3E", 400, "bad_cursor"),
        ("/?as_of=%3Cscript%3E", 400, "malformed_parameter"),
        ("/?ago=-1", 400, "malformed_parameter"),
    ] {
        let reply = scene.web.ask("GET", target, BROWSER);
        assert_eq!(reply.status, status, "{target}");
        is_sound(target, &reply);
        says(&reply.text(), &[code, "To the overview"]);
        // Programs get what they can read.
        let bare = scene.web.get(target);
        assert_eq!(problem(&bare)["code"], code, "{target}");
    }
    let api = scene.web.ask("GET", "/api/v1/nowhere", BROWSER);
    assert_eq!(problem(&api)["code"], "no_such_route");
    let script = scene.web.get("/assets/live.js");
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert!(
        !script.text().contains("innerHTML = "),
        "nothing is written as HTML"
    );
    assert!(
        scene
            .web
            .get("/assets/style.css")
            .text()
            .contains("prefers-color-scheme: dark")
    );
}

#[test]
fn an_empty_desk_has_every_page() {
    let web = Web::new();
    for route in PAGES.iter().filter(|it| !it.path.contains("{id}")) {
        let reply = web.ask("GET", route.path, BROWSER);
        assert_eq!(reply.status, 200, "{}: {}", route.path, reply.text());
    }
    for target in ["/?as_of=0", "/?as_of=1", "/?ago=1440"] {
        assert_eq!(web.ask("GET", target, BROWSER).status, 200, "{target}");
    }
    let overview = web.get("/").text();
    says(
        &part(&overview, "figures"),
        &["Success rate, 24 h –", "Not backed up everything"],
    );
    says(&overview, &["No agent yet", "switchboard agent add ID"]);
}
