//! PostgreSQL with its defaults (fsync and synchronous_commit on), over a Unix socket in
//! `PEERS_POSTGRES` (a connection string). A table by position, unique by stream and version.

use std::path::Path;

use postgres::{Client, NoTls, Statement};

use super::{Outcome, Producer, Store};
use crate::events::Event;

pub struct Postgres {
    address: String,
}

fn connect(address: &str) -> Outcome<Client> {
    Ok(Client::connect(address, NoTls)?)
}

impl Postgres {
    pub fn open(_folder: &Path) -> Outcome<Self> {
        let address = std::env::var("PEERS_POSTGRES")?;
        connect(&address)?.batch_execute(
            "CREATE TABLE IF NOT EXISTS events(
               position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
               stream BYTEA NOT NULL, version BIGINT NOT NULL, body TEXT NOT NULL,
               UNIQUE (stream, version))",
        )?;
        Ok(Self { address })
    }
}

impl Store for Postgres {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        let mut client = connect(&self.address)?;
        let insert = client.prepare(
            "INSERT INTO events(stream, version, body)
             SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::text[])",
        )?;
        Ok(Box::new(Lane { client, insert }))
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        let mut client = connect(&self.address)?;
        let mut transaction = client.transaction()?;
        let portal = transaction.bind("SELECT stream, version, body FROM events ORDER BY position", &[])?;
        let (mut count, mut sum) = (0, 0);
        loop {
            let rows = transaction.query_portal(&portal, 10_000)?;
            if rows.is_empty() {
                return Ok((count, sum));
            }
            for row in &rows {
                count += 1;
                sum += 24 + row.get::<_, &str>(2).len() as u64;
            }
        }
    }

    fn point(&self, position: u64) -> Outcome<usize> {
        // A connection of its own each time would measure connecting.
        thread_local!(static CLIENT: std::cell::RefCell<Option<(Client, Statement)>> = const { std::cell::RefCell::new(None) });
        CLIENT.with_borrow_mut(|kept| {
            if kept.is_none() {
                let mut client = connect(&self.address)?;
                let select = client.prepare("SELECT body FROM events WHERE position = $1")?;
                *kept = Some((client, select));
            }
            let (client, select) = kept.as_mut().ok_or("no connection")?;
            let row = client.query_one(select, &[&i64::try_from(position)?])?;
            Ok(row.get::<_, &str>(0).len())
        })
    }

    fn disk(&self) -> Outcome<Option<u64>> {
        let row = connect(&self.address)?.query_one("SELECT pg_total_relation_size('events')", &[])?;
        Ok(Some(u64::try_from(row.get::<_, i64>(0))?))
    }
}

struct Lane {
    client: Client,
    insert: Statement,
}

impl Producer for Lane {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        let streams: Vec<&[u8]> = batch.iter().map(|event| event.stream.as_bytes().as_slice()).collect();
        let versions = batch.iter().map(|event| i64::try_from(event.version)).collect::<Result<Vec<_>, _>>()?;
        let bodies: Vec<&str> = batch.iter().map(|event| event.body.as_str()).collect();
        self.client.execute(&self.insert, &[&streams, &versions, &bodies])?;
        Ok(())
    }
}
