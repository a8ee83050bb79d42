//! NATS JetStream on file storage with its defaults, at `PEERS_NATS`: it answers before its data is on
//! the disk (it syncs every two minutes), so it is *not durable*. Shown because people compare with it.

use std::path::Path;

use async_nats::jetstream::{self, consumer, stream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::runtime::Runtime;

use super::{Outcome, Producer, Store};
use crate::events::Event;

pub struct Nats {
    address: String,
    runtime: Runtime,
    context: jetstream::Context,
}

async fn context(address: &str) -> Outcome<jetstream::Context> {
    Ok(jetstream::new(async_nats::connect(address).await?))
}

impl Nats {
    pub fn open(_folder: &Path) -> Outcome<Self> {
        let address = std::env::var("PEERS_NATS")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let context = runtime.block_on(async {
            let context = context(&address).await?;
            let config =
                stream::Config { name: "events".to_owned(), subjects: vec!["e".to_owned()], ..stream::Config::default() };
            context.get_or_create_stream(config).await?;
            Outcome::Ok(context)
        })?;
        Ok(Self { address, runtime, context })
    }
}

impl Store for Nats {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let context = runtime.block_on(context(&self.address))?;
        Ok(Box::new(Lane { runtime, context }))
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        self.runtime.block_on(async {
            let stream = self.context.get_stream("events").await?;
            let all = stream.get_info().await?.state.messages;
            let consumer = stream
                .create_consumer(consumer::pull::OrderedConfig::default())
                .await?;
            let mut messages = consumer.messages().await?;
            let (mut count, mut sum) = (0, 0);
            while count < all {
                let message = messages.try_next().await?.ok_or("the stream ended early")?;
                count += 1;
                sum += message.payload.len() as u64;
            }
            Ok((count, sum))
        })
    }

    fn point(&self, position: u64) -> Outcome<usize> {
        self.runtime.block_on(async {
            let stream = self.context.get_stream_no_info("events").await?;
            Ok(stream.get_raw_message(position).await?.payload.len())
        })
    }
}

struct Lane {
    runtime: Runtime,
    context: jetstream::Context,
}

impl Producer for Lane {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        self.runtime.block_on(async {
            let mut answers = futures_util::stream::FuturesOrdered::new();
            for event in batch {
                let answer = self.context.publish("e", event.bytes().into()).await?;
                answers.push_back(answer.into_future());
            }
            while let Some(answer) = answers.next().await {
                answer?;
            }
            Ok(())
        })
    }
}
