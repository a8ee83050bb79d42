//! Reads `X Y TEXT` lines, puts every text into the window there with fixed waits of 20 ms between the steps, and
//! prints how many microseconds each took.

use std::error::Error;
use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::thread::sleep;
use std::time::{Duration, Instant};

use enigo::{Button, Coordinate, Direction, Enigo, Key, Keyboard as _, Mouse as _, Settings};

const WAIT: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn Error>> {
    let mut hands = Enigo::new(&Settings::default())?;
    let mut clipboard = arboard::Clipboard::new()?;
    for line in stdin().lock().lines() {
        let line = line?;
        let mut parts = line.splitn(3, ' ');
        let mut next = || parts.next().ok_or("a line is X Y TEXT");
        let (x, y, text) = (next()?.parse()?, next()?.parse()?, next()?);
        let begun = Instant::now();
        hands.move_mouse(x, y, Coordinate::Abs)?;
        hands.button(Button::Left, Direction::Click)?;
        sleep(WAIT);
        clipboard.set_text(text)?;
        sleep(WAIT);
        hands.key(Key::Control, Direction::Press)?;
        hands.key(Key::Unicode('v'), Direction::Click)?;
        hands.key(Key::Control, Direction::Release)?;
        sleep(WAIT);
        hands.key(Key::Return, Direction::Click)?;
        sleep(WAIT);
        println!("{}", begun.elapsed().as_micros());
        stdout().flush()?;
    }
    Ok(())
}
