//! SQLite, WAL, `synchronous=FULL`: a table by position, unique by stream and version. One connection
//! writes; several producers take turns, since SQLite has one writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, params};

use super::{Outcome, Producer, Store};
use crate::events::Event;

pub struct Sqlite {
    path: PathBuf,
    writer: Arc<Mutex<Connection>>,
}

fn connect(path: &Path) -> Outcome<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

impl Sqlite {
    pub fn open(folder: &Path) -> Outcome<Self> {
        let path = folder.join("events.sqlite");
        let writer = connect(&path)?;
        writer.execute_batch(
            "CREATE TABLE IF NOT EXISTS events(
               position INTEGER PRIMARY KEY, stream BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL);
             CREATE UNIQUE INDEX IF NOT EXISTS by_stream ON events(stream, version);",
        )?;
        Ok(Self { path, writer: Arc::new(Mutex::new(writer)) })
    }
}

impl Store for Sqlite {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        Ok(Box::new(Lane(Arc::clone(&self.writer))))
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        let connection = connect(&self.path)?;
        let mut statement = connection.prepare("SELECT stream, version, body FROM events ORDER BY position")?;
        let mut rows = statement.query([])?;
        let (mut count, mut sum) = (0, 0);
        while let Some(row) = rows.next()? {
            count += 1;
            sum += 24 + row.get_ref(2)?.as_bytes()?.len() as u64;
        }
        Ok((count, sum))
    }

    fn point(&self, position: u64) -> Outcome<usize> {
        let connection = self.writer.lock().map_err(|_| "poisoned")?;
        let mut statement = connection.prepare_cached("SELECT body FROM events WHERE position = ?")?;
        Ok(statement.query_row([i64::try_from(position)?], |row| row.get::<_, String>(0))?.len())
    }
}

struct Lane(Arc<Mutex<Connection>>);

impl Producer for Lane {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        let mut connection = self.0.lock().map_err(|_| "poisoned")?;
        let transaction = connection.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO events(stream, version, body) VALUES (?, ?, ?)")?;
            for event in batch {
                insert.execute(params![event.stream.as_bytes().as_slice(), i64::try_from(event.version)?, event.body])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
