//! Eyes, hands and time in a simulated world.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::delivery::hands::Pace;
use crate::delivery::ports::{Abilities, Act, Clip, Desktop, Picture, Survey, Trouble};
use crate::events::facts::screen::{Point, Rect};
use crate::events::time::Timestamp;

use super::world::World;

/// Eyes and hands in a simulated world.
#[derive(Clone, Debug)]
pub struct SimulatedDesktop(Rc<RefCell<World>>);

/// The world's time.
#[derive(Clone, Debug)]
pub struct SimulatedPace(Rc<RefCell<World>>);

/// Hands, time, and the world itself to look at what really happened.
pub fn enter(world: World) -> (SimulatedDesktop, SimulatedPace, Rc<RefCell<World>>) {
    let world = Rc::new(RefCell::new(world));
    (
        SimulatedDesktop(Rc::clone(&world)),
        SimulatedPace(Rc::clone(&world)),
        world,
    )
}

impl Desktop for SimulatedDesktop {
    fn abilities(&self) -> Abilities {
        Abilities {
            name: "simulated".to_owned(),
            observes: true,
            sees_people: true,
        }
    }

    fn survey(&mut self, at: Point) -> Result<Survey, Trouble> {
        Ok(self.0.borrow_mut().survey(at))
    }

    fn capture(&mut self, region: Rect) -> Result<Picture, Trouble> {
        Ok(self.0.borrow_mut().capture(region))
    }

    fn act(&mut self, act: &Act) -> Result<(), Trouble> {
        self.0.borrow_mut().act(act)
    }

    fn clipboard(&mut self) -> Result<Clip, Trouble> {
        Ok(self.0.borrow_mut().clipboard())
    }

    fn set_clipboard(&mut self, clip: &Clip) -> Result<(), Trouble> {
        self.0.borrow_mut().set_clipboard(clip);
        Ok(())
    }
}

impl Pace for SimulatedPace {
    fn now(&mut self) -> Timestamp {
        self.0.borrow().now
    }

    fn wait(&mut self, span: Duration) {
        self.0.borrow_mut().pass(span);
    }
}
