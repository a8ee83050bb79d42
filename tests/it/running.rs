//! Owners of a ledger as their users meet them: settings that take effect, signals, repairs.

use crate::running_kit::Desk;

#[test]
fn a_disk_with_less_room_than_wanted_takes_no_message() {
    let desk = Desk::new();
    desk.must(&["agent", "add", "agent-1", "--channel", "inbox"]);
    let send = ["send", "--to", "agent-1", "hello"];
    let all = ["--set", "store.min_free=1000000GiB"];
    let refused = desk.run(&[&all[..], &send[..]].concat());
    assert_eq!(refused.code, 17, "{refused:?}");
    assert_eq!(refused.exit_error()["code"], "no_space");
    assert_eq!(desk.run(&send).code, 7);
}

#[test]
fn an_address_is_checked_and_that_nobody_listens_there_is_said() {
    let desk = Desk::new();
    for (line, code) in [
        (&["serve", "--listen", "nonsense"][..], 2),
        (&["serve", "--listen", "0.0.0.0:7717"], 13),
        (&["--set", "serve.listen=0.0.0.0:7717", "serve"], 13),
    ] {
        assert_eq!(desk.run(line).code, code, "{line:?}");
    }
    let word = "no HTTP is served yet";
    for (line, said) in [
        (&[][..], false),
        (&["--listen", "[::1]:7718"], true),
        (&["--listen", "0.0.0.0:7718", "--insecure-listen"], true),
    ] {
        let ended = desk.serve(line).stop();
        assert_eq!(ended.code, 143, "{ended:?}");
        assert_eq!(ended.err.contains(word), said, "{line:?} {ended:?}");
    }
    // A setting of the ledger's own is known only when it is open.
    desk.must(&["config", "set", "serve.listen", "0.0.0.0:7719"]);
    assert_eq!(desk.run(&["serve"]).code, 13);
    let ended = desk.serve(&["--insecure-listen"]).stop();
    assert!(ended.err.contains(word), "{ended:?}");
}
