//! Connections: accepting them, bounding them, and going away without waiting for anybody.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Sleep;

use super::front;
use super::house::{House, Limits, Reads};
use super::reading;
use super::route::Route;
use super::routes::ROUTES;
use super::tail::{self, turned};
use super::web::routes::PAGES;

/// The longest head of a request, in bytes. Much longer ones are answered 431 by hyper, without a body.
const HEAD_MAX: usize = 64 * 1024;

/// How long answers under way may take once no more is served.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long is waited when the system gives no more connections.
const REST: Duration = Duration::from_millis(50);

/// An API that listens.
#[derive(Debug)]
pub struct Serving {
    /// Where.
    pub address: SocketAddr,
    leaving: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    telling: JoinHandle<()>,
}

impl Serving {
    /// Serves everything there is on a listener.
    pub fn start(listener: TcpListener, reads: Reads, limits: Limits) -> io::Result<Self> {
        Self::of(listener, reads, limits, [ROUTES, PAGES].concat())
    }

    /// Serves these routes on a listener.
    pub fn of(
        listener: TcpListener,
        reads: Reads,
        limits: Limits,
        routes: Vec<Route>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (leaving, left) = watch::channel(false);
        let house = Arc::new(House::new(reads, limits, left));
        let all = reading::router(Arc::clone(&house), routes);
        Ok(Self {
            address,
            leaving,
            telling: tokio::spawn(tail::tell(Arc::clone(&house))),
            accepting: tokio::spawn(accept(listener, house, all)),
        })
    }

    /// Accepts nothing more, ends streams at once, lets answers under way be sent for a moment.
    pub async fn leave(self) {
        self.leaving.send_replace(true);
        for task in [self.accepting, self.telling] {
            if let Err(error) = task.await {
                tracing::error!(%error, "serving HTTP broke off");
            }
        }
    }
}

async fn accept(listener: TcpListener, house: Arc<House>, router: Router) {
    let mut leaving = house.leaving.clone();
    let places = Arc::new(Semaphore::new(house.limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = turned(&mut leaving) => break,
            Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
            (place, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let (house, router) = (Arc::clone(&house), router.clone());
                    connections.spawn(async move {
                        converse(stream, house, router).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(REST).await;
                }
            },
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Who is not done now is cut off: nothing here is lost by it.
    if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
        tracing::debug!("clients were cut off");
    }
}

/// One connection, from its first request to its last.
async fn converse(stream: TcpStream, house: Arc<House>, router: Router) {
    let (Ok(local), Ok(())) = (stream.local_addr(), stream.set_nodelay(true)) else {
        return;
    };
    let mut leaving = house.leaving.clone();
    let patient = Patient {
        stream,
        within: house.limits.read_within,
        waiting: None,
    };
    let within = house.limits.request_within;
    let service = service_fn(move |request| {
        let answered = front::answer(Arc::clone(&house), router.clone(), local.ip(), request);
        async move { Ok::<_, std::convert::Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(within)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(patient), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = turned(&mut leaving) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// A connection that is given up when the other side reads nothing for too long.
#[derive(Debug)]
struct Patient {
    stream: TcpStream,
    within: Duration,
    /// Runs while the other side does not read.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Patient {
    fn until_it_reads<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let within = self.within;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        waiting
            .as_mut()
            .poll(context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.until_it_reads(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.until_it_reads(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
