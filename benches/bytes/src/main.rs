//! `bytes-from-memory ADDRESS FOLDER`: serves every file of a folder under its name, read once into memory. What
//! an API over axum could do at most: no ledger, no projections, no doors.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

type Files = Arc<HashMap<String, Bytes>>;

async fn file(State(files): State<Files>, Path(name): Path<String>) -> impl IntoResponse {
    match files.get(&name) {
        Some(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(address), Some(folder)) = (words.next(), words.next()) else {
        return Err("bytes-from-memory ADDRESS FOLDER".into());
    };
    let mut files = HashMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, Bytes::from(std::fs::read(entry.path())?));
    }
    let router = Router::new()
        .route("/{name}", get(file))
        .with_state(Arc::new(files));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("ready");
    axum::serve(listener, router).await?;
    Ok(())
}
