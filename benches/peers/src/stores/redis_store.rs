//! Redis with `appendonly yes, appendfsync always`, over a Unix socket in `PEERS_REDIS` (a URL): one
//! stream of events (XADD), no index by stream and version.

use std::path::Path;

use redis::{Client, Connection};

use super::{Outcome, Producer, Store};
use crate::events::Event;

pub struct Redis(Client);

impl Redis {
    pub fn open(_folder: &Path) -> Outcome<Self> {
        Ok(Self(Client::open(std::env::var("PEERS_REDIS")?)?))
    }
}

impl Store for Redis {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        Ok(Box::new(Lane(self.0.get_connection()?)))
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        let mut connection = self.0.get_connection()?;
        let (mut count, mut sum, mut from) = (0, 0, "-".to_owned());
        loop {
            let page: redis::streams::StreamRangeReply =
                redis::cmd("XRANGE").arg("events").arg(&from).arg("+").arg("COUNT").arg(1000).query(&mut connection)?;
            let Some(last) = page.ids.last() else { return Ok((count, sum)) };
            from = format!("({}", last.id);
            for id in &page.ids {
                count += 1;
                sum += id.get::<Vec<u8>>("e").map_or(0, |event| event.len() as u64);
            }
        }
    }

    fn point(&self, _position: u64) -> Outcome<usize> {
        Err("a stream of Redis has no positions".into())
    }
}

struct Lane(Connection);

impl Producer for Lane {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        let mut pipe = redis::pipe();
        for event in batch {
            pipe.cmd("XADD").arg("events").arg("*").arg("e").arg(event.bytes()).ignore();
        }
        Ok(pipe.query(&mut self.0)?)
    }
}
