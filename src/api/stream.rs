//! Answers without an end: events as they come, and all of them as a file.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;

use super::happened::{BATCH, Filter, Found, find, range};
use super::house::House;
use super::packing::{Packer, Packing};
use super::problem::Problem;
use super::query::Asked;
use super::tail::{Told, turned};
use crate::events::ids::Position;

/// How many pieces wait for a slow client before it is waited for.
const AHEAD: usize = 4;

/// What a stream begins with: how soon a client that lost it comes back.
const GREETING: &[u8] = b"retry: 1000\n\n";

/// What a silent stream says.
const ALIVE: &[u8] = b": alive\n\n";

/// A body that is made while it is sent. It holds a place among the streams until its connection is
/// done with it.
#[derive(Debug)]
struct Tube {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Tube {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.pieces.poll_recv(context);
        next.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// One client that takes pieces as they come.
#[derive(Debug)]
struct Outlet {
    house: Arc<House>,
    pieces: mpsc::Sender<io::Result<Bytes>>,
}

/// The client is gone, or no more is served.
#[derive(Debug)]
struct Gone;

impl Outlet {
    /// An outlet and the body it feeds; 503 when there are too many.
    fn open(house: &Arc<House>) -> Result<(Self, Body), Problem> {
        let place = Arc::clone(&house.streams).try_acquire_owned();
        let place = place.map_err(|_none_left| {
            let text = format!("{} clients follow already", house.limits.streams);
            Problem::later("too_many_streams", text)
        })?;
        let (pieces, sent) = mpsc::channel(AHEAD);
        let tube = Tube {
            pieces: sent,
            _place: place,
        };
        let outlet = Self {
            house: Arc::clone(house),
            pieces,
        };
        Ok((outlet, Body::new(tube)))
    }

    async fn say(&self, piece: impl Into<Bytes> + Send) -> Result<(), Gone> {
        let mut leaving = self.house.leaving.clone();
        tokio::select! {
            sent = self.pieces.send(Ok(piece.into())) => sent.map_err(|_closed| Gone),
            () = turned(&mut leaving) => Err(Gone),
        }
    }

    /// Ends the body so that the client sees that something is missing.
    async fn break_off(&self) {
        let broken = io::Error::other("broken off");
        // A client that is gone needs no telling.
        self.pieces.send(Err(broken)).await.unwrap_or_default();
    }

    /// Reads a range of events.
    async fn read(&self, filter: &Filter, from: Position, to: Position) -> Result<Found, Gone> {
        let place = self.house.patient_place().await.ok_or(Gone)?;
        let (house, filter) = (Arc::clone(&self.house), filter.clone());
        let read = tokio::task::spawn_blocking(move || {
            let found = find(&house, &filter, (from, to), usize::MAX);
            drop(place);
            found
        });
        match read.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(problem)) => {
                // The client comes back, and is told why in its answer's status.
                tracing::warn!(detail = problem.detail, "a stream of events broke off");
                Err(Gone)
            }
            Err(error) => {
                tracing::error!(%error, "a stream of events broke off");
                Err(Gone)
            }
        }
    }
}

fn streaming(content: &'static str, position: Position, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    headers.insert("ledger-position", HeaderValue::from(position.0));
    response
}

/// `GET /api/v1/events/stream`.
pub fn follow(
    house: &Arc<House>,
    asked: &Asked,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response<Body>, Problem> {
    let filter = Filter::of(asked)?;
    let head = house.head();
    let from = match last_event(headers)? {
        Some(last) => last.next(),
        None => asked
            .position("from")?
            .map_or_else(|| head.next(), |from| from.max(Position(1))),
    };
    if from > head.next() {
        let text = format!("position {from} lies beyond the newest event, {head}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "beyond_head", text)
            .hint("another ledger, or a restored one? Leave Last-Event-ID and from out"));
    }
    let content = "text/event-stream";
    if method == Method::HEAD {
        return Ok(streaming(content, head, Body::empty()));
    }
    let (outlet, body) = Outlet::open(house)?;
    tokio::spawn(async move {
        let mut following = Following {
            outlet,
            filter,
            next: from,
        };
        let Gone = following.run().await;
    });
    Ok(streaming(content, head, body))
}

/// The position in `Last-Event-ID`.
fn last_event(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    text.parse()
        .map(|last| Some(Position(last)))
        .map_err(|_no_number| {
            Problem::malformed("Last-Event-ID", "it is a position, the id of an event")
        })
}

/// A client that follows.
#[derive(Debug)]
struct Following {
    outlet: Outlet,
    filter: Filter,
    next: Position,
}

impl Following {
    async fn run(&mut self) -> Gone {
        // Before the ledger is read: what comes meanwhile is not missed.
        let mut live = self.outlet.house.tail.listen();
        let mut leaving = self.outlet.house.leaving.clone();
        let pause = self.outlet.house.limits.keep_alive;
        if let Err(gone) = self.outlet.say(GREETING).await {
            return gone;
        }
        loop {
            if let Err(gone) = self.read_up().await {
                return gone;
            }
            let mut silent = Instant::now() + pause;
            // As told, until something is missing.
            loop {
                let said = tokio::select! {
                    told = live.recv() => match told {
                        Ok(told) if told.position < self.next => continue,
                        Ok(told) if told.position == self.next => self.pass(&told).await,
                        Ok(_beyond_a_gap) => break,
                        Err(RecvError::Lagged(_)) => {
                            if let Err(gone) = self.lagged().await {
                                return gone;
                            }
                            break;
                        }
                        Err(RecvError::Closed) => return Gone,
                    },
                    () = tokio::time::sleep_until(silent) => self.outlet.say(ALIVE).await.map(|()| true),
                    () = self.outlet.pieces.closed() => return Gone,
                    () = turned(&mut leaving) => return Gone,
                };
                match said {
                    Ok(true) => silent = Instant::now() + pause,
                    Ok(false) => {}
                    Err(gone) => return gone,
                }
            }
        }
    }

    /// Sends an event if it is wanted; whether it was.
    async fn pass(&mut self, told: &Told) -> Result<bool, Gone> {
        let wanted = told.fits(&self.filter);
        if wanted {
            self.outlet.say(told.frame.clone()).await?;
        }
        self.next = told.position.next();
        Ok(wanted)
    }

    /// Says that the client is slow. Nothing is left out for it: the ledger has everything.
    async fn lagged(&self) -> Result<(), Gone> {
        let head = self.outlet.house.head();
        let last = Position(self.next.0.saturating_sub(1));
        let data = json!({
            "position": last,
            "head": head,
            "behind": head.0.saturating_sub(last.0),
        });
        self.outlet
            .say(format!("event: lagged\ndata: {data}\n\n"))
            .await
    }

    /// Sends what the ledger has.
    async fn read_up(&mut self) -> Result<(), Gone> {
        loop {
            let head = self.outlet.house.head();
            if self.next > head {
                return Ok(());
            }
            let to = Position(self.next.0.saturating_add(BATCH - 1)).min(head);
            let found = self.outlet.read(&self.filter, self.next, to).await?;
            for event in &found.events {
                self.outlet.say(Told::of(event).frame).await?;
            }
            self.next = found.last.unwrap_or(to).next();
        }
    }
}

/// `GET /api/v1/events` as a file: every event there is now, one a line.
pub fn export(
    house: &Arc<House>,
    asked: &Asked,
    method: &Method,
    packing: Packing,
) -> Result<Response<Body>, Problem> {
    for one_page in ["limit", "cursor"] {
        if asked.text(one_page).is_some() {
            return Err(Problem::malformed(
                one_page,
                "a file of events has no pages",
            ));
        }
    }
    let filter = Filter::of(asked)?;
    let (from, to) = range(asked)?;
    let head = house.head();
    let packer = Packer::begin(packing).map_err(|e| Problem::internal(e.to_string()))?;
    let (body, outlet) = if method == Method::HEAD {
        (Body::empty(), None)
    } else {
        let (outlet, body) = Outlet::open(house)?;
        (body, Some(outlet))
    };
    if let Some(outlet) = outlet {
        let range = (from, to.min(head));
        tokio::spawn(async move {
            if let Err(Gone) = write_down(&outlet, &filter, range, packer).await {
                outlet.break_off().await;
            }
        });
    }
    let mut response = streaming("application/x-ndjson", head, body);
    if let Some(name) = packing.name() {
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    Ok(response)
}

async fn write_down(
    outlet: &Outlet,
    filter: &Filter,
    (mut next, end): (Position, Position),
    mut packer: Packer,
) -> Result<(), Gone> {
    while next <= end {
        let last = Position(next.0.saturating_add(BATCH - 1)).min(end);
        let found = outlet.read(filter, next, last).await?;
        let mut lines = String::new();
        for event in &found.events {
            lines.push_str(&event.to_json().to_string());
            lines.push('\n');
        }
        let piece = packer.more(lines.as_bytes()).map_err(|_io| Gone)?;
        if !piece.is_empty() {
            outlet.say(piece).await?;
        }
        next = found.last.unwrap_or(last).next();
    }
    let rest = packer.end().map_err(|_io| Gone)?;
    if rest.is_empty() {
        return Ok(());
    }
    outlet.say(rest).await
}
